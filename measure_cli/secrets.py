"""Values that statements bind by name and that nothing shows: no repr, no pickle, no message of an error.

The salt of pseudonyms comes from the environment. What is bound are the two blocks that HMAC-SHA-256 makes of it, or
the key of SipHash that is derived from it; they are as secret as the salt itself. Nothing here is written down or
remembered.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NoReturn

from measure_cli.errors import EngineError, ProjectError

SALT_VARIABLE = "MEASURE_PII_SALT"
PII_IPAD, PII_OPAD = "pii_ipad", "pii_opad"
PII_SIPHASH_KEY = "pii_siphash_key"
SIPHASH_FUNCTION = "pii_siphash64"  # the SQL function that an engine without a SipHash of its own is given
SIPHASH_KEY_BYTES = 16
SIPHASH_LABEL = b"\xffmeasure siphash64 key"  # begins with a byte that no text has: no pseudonym shows the key
LEAST_BYTES = 16
HASH_BLOCK = 64
# A driver may cut a value short: a run of this many hex digits in common with a secret is taken for a piece of it.
TELLING_DIGITS = 12
MAKE_ONE = 'Make one: python -c "import secrets; print(secrets.token_hex(32))". Another salt makes other pseudonyms.'


class Secrets:
    """Named values of one run."""

    __slots__ = ("_hidden",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._hidden = dict(values)

    def bound(self, names: Iterable[str]) -> dict[str, str]:
        """The values of these names, for a driver.

        Raises:
            EngineError: the run has no value of that name.
        """
        if missing := [name for name in names if name not in self._hidden]:
            raise EngineError(f"the statement needs {', '.join(missing)}, and nothing gives a value for it")
        return {name: self._hidden[name] for name in names}

    def __contains__(self, name: str) -> bool:
        """Whether there is a value of that name."""
        return name in self._hidden

    @property
    def identity(self) -> str:
        """Tells two sets of values apart without telling anything of them."""
        keys = [hmac.digest(value.encode(), b"identity", "sha256").hex() for _, value in sorted(self._hidden.items())]
        return hashlib.sha256("".join(keys).encode()).hexdigest()[:16] if keys else ""

    def scrub(self, text: str) -> str:
        """A text without the values, and without pieces of them."""
        for name, value in self._hidden.items():
            for shown in (value, value.upper(), blob_text(value)):
                text = text.replace(shown, f"<{name}>")
        return re.sub(rf"[0-9a-fA-F]{{{TELLING_DIGITS},}}", lambda run: self._without_pieces(run.group(0)), text)

    def _without_pieces(self, run: str) -> str:
        pieces = (run[start : start + TELLING_DIGITS].lower() for start in range(len(run) - TELLING_DIGITS + 1))
        return "<secret>" if any(piece in value for piece in pieces for value in self._hidden.values()) else run

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._hidden)})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("secrets are not written down")


NO_SECRETS = Secrets({})


def blob_text(value: str) -> str:
    r"""The bytes of hex digits as DuckDB prints them.

    >>> blob_text("41ff2000")
    'A\\xFF \\x00'
    """
    raw = bytes.fromhex(value)
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"\\'\"" else f"\\x{byte:02X}" for byte in raw)


def read_secrets(environment: Mapping[str, str], needed: Collection[str], default_salt: str | None = None) -> Secrets:
    """The secrets that are needed, made from the salt in the environment, or from `default_salt` where there is one.

    Raises:
        ProjectError: the salt is missing or malformed; the message does not show it.
    """
    if not needed:
        return NO_SECRETS
    salt = default_salt or environment.get(SALT_VARIABLE, "")
    if not salt:
        raise ProjectError(f"{SALT_VARIABLE} is not set, and models of this stack call pseudonymize()", MAKE_ONE)
    return Secrets(salted(salt).bound(needed))


def salted(salt: str) -> Secrets:
    """All that is made of a salt in hex digits: the blocks of HMAC-SHA-256, and a key for SipHash.

    Raises:
        ProjectError: it is too short, or not hex.
    """
    if not re.fullmatch(r"[0-9a-fA-F]*", salt):
        raise ProjectError(f"{SALT_VARIABLE} must be hex digits only (0-9, a-f), without spaces or quotes", MAKE_ONE)
    if len(salt) % 2:
        raise ProjectError(f"{SALT_VARIABLE} has an odd number of hex digits; two make a byte", MAKE_ONE)
    if len(salt) < 2 * LEAST_BYTES:
        raise ProjectError(
            f"{SALT_VARIABLE} has {len(salt) // 2} bytes, {LEAST_BYTES} are needed: {2 * LEAST_BYTES} digits or more",
            MAKE_ONE,
        )
    key = bytes.fromhex(salt)
    block = (hashlib.sha256(key).digest() if len(key) > HASH_BLOCK else key).ljust(HASH_BLOCK, b"\0")
    values = {
        PII_IPAD: bytes(byte ^ 0x36 for byte in block),
        PII_OPAD: bytes(byte ^ 0x5C for byte in block),
        PII_SIPHASH_KEY: hmac.digest(key, SIPHASH_LABEL, "sha256")[:SIPHASH_KEY_BYTES],
    }
    return Secrets({name: value.hex() for name, value in values.items()})
