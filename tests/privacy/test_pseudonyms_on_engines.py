"""One text has one pseudonym, whichever engine computes it; both hashes against plain Python."""

from __future__ import annotations

import hmac
import random
import string

import duckdb
import pytest

from measure_cli.dialects import pseudonyms
from measure_cli.dialects.reader import read_select
from measure_cli.engines.siphash import register_siphash
from measure_cli.errors import PlanError
from measure_cli.kinds import EngineKind, PseudonymHash
from measure_cli.secrets import SIPHASH_LABEL, salted
from tests.privacy.foreign_engine import ask

SALT = bytes(range(16, 48))
HMAC, SIPHASH = PseudonymHash.HMAC_SHA256, PseudonymHash.SIPHASH64
MASK = (1 << 64) - 1
# Unicode 16 and 17 gave them a lower case; not every engine knows.
NEW_LETTERS = {0x1C89, *range(0xA7CB, 0xA7DD), *range(0x10D50, 0x10D66), *range(0x16EA0, 0x16EB9)}
PROBES = [
    None,
    "",
    " ",
    "0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe",
    "  0xABC  ",
    "\ttab and line\n",
    " \t0xABC\t ",
    'it\'s "quoted" -- $pii_ipad; /* */ \\ {x}',
    "😀 Größe ÇAĞ 東京",
    "\u00a0\u2003padded\u3000",
    "ΑΣ ΣΟΦΟΣ",
    "İSTANBUL ISTANBUL",
    "x" * 200,
    "😀" * 50,
    *("y" * size for size in (1, 7, 8, 9, 15, 16, 17, 63, 64, 65)),
]
CHOICES = [
    (EngineKind.DUCKDB, HMAC),
    (EngineKind.DUCKDB, SIPHASH),
    (EngineKind.CLICKHOUSE, HMAC),
    (EngineKind.CLICKHOUSE, SIPHASH),
    (EngineKind.SNOWFLAKE, HMAC),
]


def expanded(engine: EngineKind, pseudonym_hash: PseudonymHash, argument: str = "address") -> tuple[str, list[str]]:
    """A SELECT of pseudonyms as the engine's own text, and the parameters it names."""
    sql = f"SELECT n, pseudonymize({argument}) AS p FROM people"
    query = read_select(sql, lambda line: f"model.sql:{line}")
    pseudonyms.recognize(query, lambda line: f"model.sql:{line}")
    names = pseudonyms.expand(query, engine, pseudonym_hash)
    return query.sql(dialect=engine.value), list(names)


def on_duckdb(sql: str, texts: list[str | None], values: dict[str, str]) -> list[str | None]:
    with duckdb.connect() as connection:
        register_siphash(connection)
        connection.execute("CREATE TABLE people (n INTEGER, address VARCHAR)")
        connection.execute(
            "INSERT INTO people SELECT unnest(range(len($texts))), unnest(CAST($texts AS VARCHAR[]))", {"texts": texts}
        )
        rows = connection.execute(f"SELECT p FROM ({sql}) ORDER BY n", values).fetchall()
    return [row[0] for row in rows]


def computed(
    engine: EngineKind, pseudonym_hash: PseudonymHash, texts: list[str | None], argument: str = "address"
) -> list[str | None]:
    sql, names = expanded(engine, pseudonym_hash, argument)
    values = salted(SALT.hex()).bound(names)
    return on_duckdb(sql, texts, values) if engine is EngineKind.DUCKDB else ask(engine.value, sql, texts, values)


def message(text: str) -> bytes:
    """Unicode spaces go, tabs and line breaks stay; letters are lowered one at a time, and stay one letter."""
    spaces = "".join(chr(code) for code in (32, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))
    return "".join(char.lower()[0] for char in text.strip(spaces)).encode()


def siphash(key: bytes, data: bytes) -> int:
    """SipHash-2-4 as its authors write it, one message at a time."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turned(word: int, bits: int) -> int:
        return ((word << bits) | (word >> (64 - bits))) & MASK

    def sip_round() -> None:
        v[0] = (v[0] + v[1]) & MASK
        v[2] = (v[2] + v[3]) & MASK
        v[1], v[3] = turned(v[1], 13) ^ v[0], turned(v[3], 16) ^ v[2]
        v[0] = turned(v[0], 32)
        v[2] = (v[2] + v[1]) & MASK
        v[0] = (v[0] + v[3]) & MASK
        v[1], v[3] = turned(v[1], 17) ^ v[2], turned(v[3], 21) ^ v[0]
        v[2] = turned(v[2], 32)

    closed = data.ljust(len(data) // 8 * 8 + 7, b"\0") + bytes([len(data) % 256])
    for start in range(0, len(closed), 8):
        word = int.from_bytes(closed[start : start + 8], "little")
        v[3] ^= word
        sip_round()
        sip_round()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        sip_round()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def expected(pseudonym_hash: PseudonymHash, text: str | None) -> str | None:
    if text is None:
        return None
    if pseudonym_hash is HMAC:
        return hmac.digest(SALT, message(text), "sha256").hex()[:16]
    return f"{siphash(hmac.digest(SALT, SIPHASH_LABEL, 'sha256')[:16], message(text)):016x}"


def test_the_reference_is_siphash() -> None:
    """The test vectors of the paper and of its authors' code."""
    key = bytes(range(16))
    assert siphash(key, bytes(range(15))) == 0xA129CA6149BE45E5
    assert siphash(key, b"").to_bytes(8, "little").hex() == "310e0edd47db6f72"


@pytest.mark.parametrize(("engine", "pseudonym_hash"), CHOICES)
def test_probes(engine: EngineKind, pseudonym_hash: PseudonymHash) -> None:
    assert computed(engine, pseudonym_hash, PROBES) == [expected(pseudonym_hash, text) for text in PROBES]


@pytest.mark.parametrize(("engine", "pseudonym_hash"), CHOICES)
def test_a_bare_null_has_no_pseudonym(engine: EngineKind, pseudonym_hash: PseudonymHash) -> None:
    assert computed(engine, pseudonym_hash, ["a", "b"], "NULL") == [None, None]


def test_every_letter() -> None:
    """One text a letter, after a letter and before a space: there the lower case of some depends on the place."""
    codes = [code for code in range(0x20, 0x1F000) if not 0xD800 <= code < 0xE000 and code not in NEW_LETTERS]
    letters = [f"a{chr(code)} b" for code in codes]
    assert computed(EngineKind.CLICKHOUSE, HMAC, [*letters]) == computed(EngineKind.DUCKDB, HMAC, [*letters])


def test_siphash_of_200_000_texts() -> None:
    chance = random.Random(11)
    alphabet = string.printable + "ÄÖÜßçğ東京😀Σİ"
    texts = ["".join(chance.choices(alphabet, k=chance.randrange(60))) for _ in range(200_000)]
    found = computed(EngineKind.DUCKDB, SIPHASH, [*texts])
    assert computed(EngineKind.CLICKHOUSE, SIPHASH, [*texts]) == found
    for place in range(0, len(texts), 4_001):
        assert found[place] == expected(SIPHASH, texts[place]), texts[place]


def test_siphash_is_no_function_of_snowflake() -> None:
    with pytest.raises(PlanError, match="cannot be computed by snowflake") as caught:
        expanded(EngineKind.SNOWFLAKE, SIPHASH)
    assert caught.value.exit_code == 2
    assert "hmac-sha256" in str(caught.value.hint)


@pytest.mark.parametrize(("engine", "pseudonym_hash"), CHOICES)
def test_parameters_are_written_alike_for_every_engine(engine: EngineKind, pseudonym_hash: PseudonymHash) -> None:
    sql, names = expanded(engine, pseudonym_hash)
    assert names
    for name in names:
        assert f"${name}" in sql
    assert not any(value in sql for value in salted(SALT.hex()).bound(names).values())


def test_the_keys_of_the_two_hashes_are_unlike() -> None:
    values = salted(SALT.hex()).bound(("pii_ipad", "pii_opad", "pii_siphash_key"))
    assert len(values["pii_siphash_key"]) == 32
    assert not any(values["pii_siphash_key"] in pad for pad in (values["pii_ipad"], values["pii_opad"]))
    assert values["pii_siphash_key"] not in SALT.hex()
