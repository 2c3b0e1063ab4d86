"""Why a server could not be reached, from what the operating system said below all that a driver adds to it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

IS_IT_THERE = "Check host and port, and that the server is running."
NOT_TRUSTED = "certificate verify failed"
TRUSTED = "It needs a certificate that this computer trusts, for the name by which you call the server."


def reason_of(error: BaseException, server: str) -> tuple[str, str] | None:
    """What was tried in vain and what to do about it; None where the error is not one of the connection."""
    return next((found for cause in causes(error) if (found := told(cause, server))), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came from, the first of them first."""
    behind = error.__cause__ or error.__context__
    if behind is not None:
        yield from causes(behind)
    yield error


def told(error: BaseException, server: str) -> tuple[str, str] | None:
    """One cause in words. All of them are of the class OSError, so the order counts."""
    found: tuple[str, str] | None = None
    match error:
        case ssl.SSLError() if NOT_TRUSTED in str(error):  # a driver may raise it without the fields that it has
            why = getattr(error, "verify_message", "it cannot be verified")
            found = f"the certificate of {server} is not accepted: {why}", TRUSTED
        case ssl.SSLError():
            found = f"{server} does not speak TLS as expected: {error}", "The port may be one without TLS."
        case socket.gaierror():
            found = f"the host of {server} is not known here: {error.strerror}", "Check its name, and this network."
        case ConnectionRefusedError():
            found = f"{server} refuses connections: nothing listens there", IS_IT_THERE
        case TimeoutError():
            found = f"{server} did not answer in time", f"{IS_IT_THERE} A firewall may be in between."
        case ConnectionError():
            found = f"{server} closed the connection without an answer", f"{IS_IT_THERE} It may expect TLS."
        case OSError(errno=int(), strerror=str()):
            found = f"{server} cannot be reached: {error.strerror}", IS_IT_THERE
    return found
