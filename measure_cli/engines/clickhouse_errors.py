"""The errors of ClickHouse's driver as ours, by class and code. Codes are those of ClickHouse's ErrorCodes.cpp."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from measure_cli.engines.unreachable import reason_of
from measure_cli.errors import Cancelled, EngineError, OutOfMemory, Transient
from measure_cli.secrets import NO_SECRETS, Secrets

T = TypeVar("T")
MEMORY_LIMIT_EXCEEDED = 241
QUERY_WAS_CANCELLED = 394
TRANSIENT = (
    159,  # TIMEOUT_EXCEEDED
    202,  # TOO_MANY_SIMULTANEOUS_QUERIES
    209,  # SOCKET_TIMEOUT
    210,  # NETWORK_ERROR
    252,  # TOO_MANY_PARTS: merges are behind
    279,  # ALL_CONNECTION_TRIES_FAILED
    999,  # KEEPER_EXCEPTION
)
# 241 has one code for the limit of the query and for that of the whole server, which other queries fill too.
SERVER_LIMIT = "(total)"


def guarded(work: Callable[[], T], secrets: Secrets = NO_SECRETS) -> T:
    """Run something, and raise our errors from the driver's.

    Ours is raised outside of the handler: the driver's may quote a secret, so ours does not carry it along.
    """
    try:
        return work()
    except ClickHouseError as error:
        ours = translated(error, secrets)
    raise ours


def translated(error: ClickHouseError, secrets: Secrets = NO_SECRETS) -> EngineError:
    """Our error for one of the driver's."""
    text = secrets.scrub(told(error))
    match code_of(error):
        case None if isinstance(error, OperationalError):  # the connection broke before the server said anything
            return Transient(*(reason_of(error, "the server") or (text,)))
        case code if code in TRANSIENT:
            return Transient(text)
        case code if code == QUERY_WAS_CANCELLED:
            return Cancelled("the statement was cancelled")
        case code if code == MEMORY_LIMIT_EXCEEDED and SERVER_LIMIT in text:
            return Transient(text)
        case code if code == MEMORY_LIMIT_EXCEEDED:
            return OutOfMemory(text, 'Raise memory_limit of the target, or lower "threads".')
    return EngineError(text)


def code_of(error: ClickHouseError) -> int | None:
    """The number of an error, where the server said one."""
    return error.code if isinstance(error, DatabaseError) else None


def told(error: Exception, most: int = 8) -> str:
    """What ClickHouse says, without the version of the server and blank lines."""
    text = str(error).partition(" (version ")[0]
    return "\n".join(line for line in text.strip().splitlines()[:most] if line.strip())
