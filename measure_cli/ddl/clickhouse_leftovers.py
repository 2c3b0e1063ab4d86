"""Tables that ClickHouse leaves behind when it is killed in the middle of CREATE OR REPLACE.

It makes the new table under a name of its own, `_tmp_replace_`, a hash of what is replaced, some random letters; then
it exchanges the names and drops the old table. The hash says whose such a table is.
"""

from __future__ import annotations

from collections.abc import Iterable

UNFINISHED = "_tmp_replace_"
DIGITS = 16
MASK = 2**64 - 1
START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def is_unfinished(place: str, name: str, replaced: Iterable[str]) -> bool:
    """Whether a table of a database was to become, or was, one of those with these names."""
    if not name.startswith(UNFINISHED):
        return False
    found = name[len(UNFINISHED) : len(UNFINISHED) + DIGITS]
    return any(found == name_hash(place + each) for each in replaced)


def name_hash(text: str) -> str:
    """ClickHouse's sipHash64 in hex digits: SipHash-2-4 with a key of zeros.

    >>> name_hash("martsfct")
    '1c8157de646d7960'
    """
    octets = text.encode()
    last = octets[len(octets) & ~7 :].ljust(7, b"\0") + bytes([len(octets) & 255])
    state = list(START)
    for start in range(0, len(octets) + 1, 8):
        word = int.from_bytes((octets[start : start + 8] if start + 8 <= len(octets) else last), "little")
        state[3] ^= word
        for _ in range(2):
            sip_round(state)
        state[0] ^= word
    state[2] ^= 0xFF
    for _ in range(4):
        sip_round(state)
    return f"{state[0] ^ state[1] ^ state[2] ^ state[3]:0{DIGITS}x}"


def sip_round(state: list[int]) -> None:
    """One round of SipHash, in place."""
    v0, v1, v2, v3 = state
    v0 = v0 + v1 & MASK
    v1 = turned(v1, 13) ^ v0
    v0 = turned(v0, 32)
    v2 = v2 + v3 & MASK
    v3 = turned(v3, 16) ^ v2
    v0 = v0 + v3 & MASK
    v3 = turned(v3, 21) ^ v0
    v2 = v2 + v1 & MASK
    v1 = turned(v1, 17) ^ v2
    v2 = turned(v2, 32)
    state[:] = v0, v1, v2, v3


def turned(word: int, bits: int) -> int:
    """A word of 64 bits, turned to the left."""
    return (word << bits | word >> 64 - bits) & MASK
