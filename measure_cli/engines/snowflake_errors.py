"""The errors of Snowflake's driver as ours, by class, number and SQL state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from snowflake.connector import errors

from measure_cli.engines.unreachable import reason_of
from measure_cli.errors import Cancelled, EngineError, Transient
from measure_cli.secrets import NO_SECRETS, Secrets

T = TypeVar("T")

CANCELLED = 604
TIMED_OUT = 630
MISSING = (2003, 2043)  # the object does not exist, or this role may not see it
TRANSIENT_CLASSES = (
    errors.InternalServerError,
    errors.ServiceUnavailableError,
    errors.GatewayTimeoutError,
    errors.BadGatewayError,
    errors.RequestTimeoutError,
    errors.TooManyRequests,
    errors.OtherHTTPRetryableError,
    errors.RequestExceedMaxRetryError,
    errors.TokenExpiredError,
    errors.PresignedUrlExpiredError,
    errors.RevocationCheckError,
)
TRANSIENT_NUMBERS = (
    *(
        250001,
        250002,
        250003,
        250005,
        251010,
        251011,
        251012,
        252010,
    ),  # connecting, requests, results that come in parts
    *(253002, 253003),  # moving files
    *(390111, 390112, 390114, 390189),  # the session is gone
    625,  # too many statements wait for a lock
)
TRANSIENT_STATES = ("08", "40")  # connections; transactions that were rolled back for another


def with_our_errors(action: Callable[[], T], secrets: Secrets = NO_SECRETS) -> T:
    """What an action returns. Errors of the driver become ours, and stay behind: they may quote a secret value."""
    try:
        return action()
    except (errors.Error, OSError) as error:
        ours = translated(error, secrets)
    raise ours


def connected(connect: Callable[[], T], server: str) -> T:
    """A connection. Where there is none the system knows why, and the driver only how often it tried."""
    try:
        return connect()
    except (errors.Error, OSError) as error:
        found = reason_of(error, server)
        if not found:
            raise
    raise Transient(*found)


def translated(error: errors.Error | OSError, secrets: Secrets = NO_SECRETS) -> EngineError:
    """Our error for one of the driver's."""
    text = secrets.scrub(told(error))
    number, state = getattr(error, "errno", None), str(getattr(error, "sqlstate", None) or "")
    if number == CANCELLED:
        return Cancelled("the statement was cancelled")
    if number == TIMED_OUT:
        return EngineError(text, "Raise STATEMENT_TIMEOUT_IN_SECONDS or use a larger warehouse.")
    is_transient = isinstance(error, (OSError, *TRANSIENT_CLASSES)) or number in TRANSIENT_NUMBERS
    if is_transient or state.startswith(TRANSIENT_STATES):
        return Transient(text)
    return EngineError(text)


def told(error: Exception, most: int = 8) -> str:
    """What the driver says, without blank lines."""
    text = str(getattr(error, "msg", None) or error)
    return "\n".join(line for line in text.strip().splitlines()[:most] if line.strip())


def is_missing(error: errors.Error) -> bool:
    """Whether an object is not there."""
    return error.errno in MISSING
