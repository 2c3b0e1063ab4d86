"""SipHash-2-4 for DuckDB, which has none: an SQL function over whole columns, in numpy.

`pii_siphash64(key, text)` gives the 16 hex digits that ClickHouse computes by itself. The key comes as an argument, so
statements bind it as they bind any secret. All rows go through a round together: there are as many rounds as the
longest text has words of eight bytes, so the work is in proportion to the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from measure_cli.errors import ProjectError
from measure_cli.secrets import SIPHASH_FUNCTION

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Octets = NDArray[np.uint8]
    Places = NDArray[np.int64]

WORD = 8
DIGITS = 16
START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def need_packages() -> None:
    """Check that numpy and pyarrow are installed.

    Raises:
        ProjectError: one is not.
    """
    try:
        import numpy as np  # noqa: F401
        import pyarrow as pa  # noqa: F401
    except ImportError as error:
        raise ProjectError(
            f'hash = "siphash64" in [privacy] needs the package {error.name} on DuckDB, and it is not installed',
            "Install the extra: pip install 'measure[siphash]'. The default, hmac-sha256, needs nothing.",
        ) from None


def register_siphash(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection, and all cursors of it, the function."""
    from duckdb.func import ARROW

    connection.create_function(SIPHASH_FUNCTION, siphash_column, ["varchar", "varchar"], "varchar", type=ARROW)


def siphash_column(key: Any, text: Any) -> Any:
    """Arrow columns of the key (hex digits, the same on every row) and of texts -> column of hashes; no NULLs."""
    import numpy as np
    import pyarrow as pa

    column = text.combine_chunks().cast(pa.large_binary())
    _, offsets_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offsets_buffer, "<i8", len(column) + 1, WORD * column.offset)
    octets = np.frombuffer(data_buffer or b"", np.uint8)
    digits = hex_digits(siphash64(bytes.fromhex(key[0].as_py()), octets, offsets))
    ends = np.arange(0, DIGITS * len(column) + 1, DIGITS, dtype=np.int32)
    return pa.StringArray.from_buffers(len(column), pa.py_buffer(ends), pa.py_buffer(digits))


def hex_digits(values: Words) -> Octets:
    """The lower-case hex digits of each value, one after the other."""
    import numpy as np

    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    big_endian = values.astype(">u8").view(np.uint8)
    return digits[np.stack([big_endian >> 4, big_endian & 15], axis=1)].ravel()


def siphash64(key: bytes, octets: Octets, offsets: Places) -> Words:
    """SipHash-2-4 of the messages octets[offsets[i]:offsets[i + 1]].

    Longest messages first, so that those with words left to take in are always the first columns of the state.
    """
    import numpy as np

    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = offsets[:-1][order], lengths[order]
    n_words = lengths // WORD + 1
    padded = np.concatenate([octets, np.zeros(WORD, np.uint8)])
    state = np.repeat((np.array(START, np.uint64) ^ np.frombuffer(key * 2, "<u8"))[:, None], len(order), axis=1)
    for number in range(int(n_words.max(initial=0))):
        active = int(np.searchsorted(-n_words, -number))
        words = words_at(padded, starts[:active] + WORD * number, lengths[:active] - WORD * number, lengths[:active])
        part = state[:, :active]
        part[3] ^= words
        sip_rounds(part, 2)
        part[0] ^= words
    state[2] ^= np.uint64(0xFF)
    sip_rounds(state, 4)
    hashes = np.empty(len(order), np.uint64)
    hashes[order] = np.bitwise_xor.reduce(state, axis=0)
    return hashes


def words_at(padded: Octets, places: Places, left: Places, lengths: Places) -> Words:
    """The next word of each message; the last one of a message holds what is left of it, and its length on top."""
    import numpy as np

    words: Words = padded[places[:, None] + np.arange(WORD)].view("<u8").ravel()
    is_last = left < WORD
    kept = (np.uint64(1) << (8 * np.where(is_last, left, 0)).astype(np.uint64)) - np.uint64(1)
    closed = (words & kept) | (lengths.astype(np.uint64) << np.uint64(56))
    words[is_last] = closed[is_last]
    return words


def sip_rounds(state: Words, count: int) -> None:
    """Rounds of SipHash on the four rows of the state, in place."""
    v0, v1, v2, v3 = state
    for _ in range(count):
        v0 += v1
        v2 += v3
        v1[:] = rotated(v1, 13) ^ v0
        v3[:] = rotated(v3, 16) ^ v2
        v0[:] = rotated(v0, 32)
        v2 += v1
        v0 += v3
        v1[:] = rotated(v1, 17) ^ v2
        v3[:] = rotated(v3, 21) ^ v0
        v2[:] = rotated(v2, 32)


def rotated(words: Words, bits: int) -> Words:
    """Words with their bits turned to the left."""
    import numpy as np

    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))
