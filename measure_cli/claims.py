"""A run's claim to be the only one that writes to a stack of a target, and what an engine has to write for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from measure_cli.types import Statement


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants the lease: `token` is known to this run alone, `holder` says to people who runs it.

    The lease ends `milliseconds` after its last renewal.
    """

    stack: str
    token: str
    run_id: str
    holder: str
    command: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as it stands, with times of the engine's clock; `generation` counts who held it, where an engine does."""

    generation: int
    token: str | None
    run_id: str | None
    holder: str | None
    command: str | None
    acquired_at: datetime | None
    heartbeat_at: datetime | None
    expires_at: datetime
    is_live: bool


class LeaseStatements(Protocol):
    """Writes what it takes to keep a lease on one engine. All times are those of the engine's clock, in UTC."""

    def prepare(self, claim: Claim) -> list[Statement]:
        """What has to be there before anybody can take the lease; harmless where it is."""

    def look(self, claim: Claim) -> Statement:
        """Rows with the fields of `Held`; the first one counts, there is none before the first run."""

    def take(self, claim: Claim, generation: int) -> list[Statement]:
        """Take the lease after that generation. Of several who try at once at most one finds itself there."""

    def tidy(self, claim: Claim, generations: Sequence[int]) -> list[Statement]:
        """Remove what earlier generations left."""

    def renew(self, claim: Claim) -> Statement:
        """Put off the end of the lease, if it is still ours."""

    def release(self, claim: Claim) -> Statement:
        """The lease ends now, if it is still ours."""

    def check(self, claim: Claim) -> Statement:
        """Fails once the lease is somebody else's."""

    def fenced(self, claim: Claim, statements: Sequence[Statement]) -> list[Statement]:
        """The statements of a transaction with such checks among them."""
