"""Names in the `gnosis` demo: addresses, transaction hashes, pseudonyms.

Every name follows from the seed and a running number alone, so that no source has to remember another's. Addresses
look like those of an EVM chain; the mixed-case spelling is not the checksum of EIP-55 (which needs Keccak), it only has
to differ from the lower case.
"""

from __future__ import annotations

import hashlib
import hmac

DEMO_PHRASE = "measure demo: a public salt for generated data, not a secret"
DEMO_SALT = hashlib.sha256(DEMO_PHRASE.encode()).hexdigest()
PSEUDONYM_DIGITS = 16


def pseudonym(address: str, salt: str) -> str:
    """First 16 hex digits of HMAC-SHA-256 over the trimmed, lower-case address, keyed by the salt (hex)."""
    text = address.strip().lower().encode()
    return hmac.digest(bytes.fromhex(salt), text, "sha256").hex()[:PSEUDONYM_DIGITS]


def address_of(kind: str, seed: int, number: int) -> str:
    """Address of the numbered thing of a kind, in lower case."""
    return "0x" + _digest(kind, seed, number)[:40]


def hash_of(kind: str, seed: int, number: int) -> str:
    """A transaction hash or order id."""
    return "0x" + _digest(kind, seed, number)


def _digest(kind: str, seed: int, number: int) -> str:
    return hashlib.sha256(f"{kind} {seed} {number}".encode()).hexdigest()


def mixed_case(address: str) -> str:
    """The address with about half of its letters in upper case.

    >>> mixed_case("0xabcdefabcdefabcdefabcdefabcdefabcdefabcd").lower()
    '0xabcdefabcdefabcdefabcdefabcdefabcdefabcd'
    """
    pattern = hashlib.sha256(address.encode()).hexdigest()
    spelled = [letter.upper() if mark >= "8" else letter for letter, mark in zip(address[2:], pattern, strict=False)]
    return "0x" + "".join(spelled)


def respelled(address: str) -> str:
    """The same address in another spelling: upper and lower case change places."""
    return "0x" + address[2:].swapcase()


# -- planted: the same at every scale and seed --------------------------------------------------------------------


def planted_user(number: int) -> str:
    """Address of a planted user of the app; `gnosis_planted` says who is who."""
    return f"0xabba{number:036x}"


def planted_safe(number: int) -> str:
    """Address of a planted Safe."""
    return f"0x5afe{number:036x}"


def planted_owner(number: int) -> str:
    """Address of an owner of planted Safes."""
    return f"0x0e4{number:037x}"


SHARED_DELEGATE = "0xde1e9a7e00000000000000000000000000000001"
OWN_DELEGATE = "0xde1e9a7e00000000000000000000000000000002"

EARLY_SAFE = planted_safe(1)
TWO_SAFES = (planted_safe(2), planted_safe(3))
FOUR_ROW_SAFE = planted_safe(4)
BATCH_SAFE = planted_safe(5)
MONTH_END_SAFE = planted_safe(6)
OWN_DELEGATE_SAFE = planted_safe(7)
NO_DELEGATE_SAFE = planted_safe(8)
REVERSAL_SAFE = planted_safe(9)
SPELLED_TWICE_SAFE = planted_safe(10)
APP_USER_SAFE = planted_safe(11)
CHANGED_OWNERS_SAFE = planted_safe(12)

APP_USER_AND_OWNER = planted_user(801)
