"""The lease of a stack as one row of a table, for engines with transactions, written in the SQL of either.

The row is made once and never deleted. To take the lease is to change it where it has run out; of two who do so at
once the engine makes one wait or fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from measure_cli.claims import Claim
from measure_cli.types import Statement, Value

COLUMNS: Mapping[str, str] = {
    "stack": "VARCHAR", "token": "VARCHAR", "run_id": "VARCHAR", "holder": "VARCHAR", "command": "VARCHAR",
    "acquired_at": "TIMESTAMP", "heartbeat_at": "TIMESTAMP", "expires_at": "TIMESTAMP",
}  # fmt: skip
OWNED = "CAST(CASE WHEN token = $token THEN '0' ELSE 'the lease is lost' END AS INTEGER)"
BEFORE_ALL = "CAST('1970-01-01 00:00:00' AS TIMESTAMP)"

Fence = Callable[[Statement, Statement, Sequence[Statement]], list[Statement]]


@dataclass(frozen=True, slots=True)
class RowLease:
    """Writes for `table`, which `made` makes.

    `now` is the engine's time of day; `later` gives that time so many milliseconds later. `fence` puts a check among
    the statements of a transaction: the first, which only reads, or the second, which also keeps the row for itself.
    """

    table: str
    made: tuple[Statement, ...]
    now: str
    later: Callable[[str], str]
    fence: Fence

    def prepare(self, claim: Claim) -> list[Statement]:
        """The table, and the row of the stack. Two runs may make a row each: whoever takes the lease takes both."""
        absent = f"NOT EXISTS (SELECT 1 FROM {self.table} WHERE stack = $stack)"
        sql = f"INSERT INTO {self.table} (stack, expires_at) SELECT $stack, {BEFORE_ALL} WHERE {absent}"
        return [*self.made, Statement(sql, {"stack": claim.stack})]

    def look(self, claim: Claim) -> Statement:
        """The row of the stack."""
        sql = (
            "SELECT 0, token, run_id, holder, command, acquired_at, heartbeat_at, expires_at, "
            f"expires_at > {self.now} AS is_live FROM {self.table} WHERE stack = $stack ORDER BY expires_at DESC"
        )
        return Statement(sql, {"stack": claim.stack})

    def take(self, claim: Claim, generation: int) -> list[Statement]:
        """Change the row unless somebody's time is not over."""
        del generation
        sql = (
            f"UPDATE {self.table} SET token = $token, run_id = $run_id, holder = $holder, command = $command, "
            f"acquired_at = {self.now}, heartbeat_at = {self.now}, expires_at = {self.later('$milliseconds')} "
            "WHERE stack = $stack AND NOT EXISTS "
            f"(SELECT 1 FROM {self.table} AS held WHERE held.stack = $stack AND held.expires_at > {self.now})"
        )
        own: dict[str, Value] = {
            "stack": claim.stack, "token": claim.token, "run_id": claim.run_id,
            "holder": claim.holder, "command": claim.command, "milliseconds": claim.milliseconds,
        }  # fmt: skip
        return [Statement(sql, own)]

    def tidy(self, claim: Claim, generations: Sequence[int]) -> list[Statement]:
        """The row is used again."""
        del claim, generations
        return []

    def renew(self, claim: Claim) -> Statement:
        """Change the row where it is ours."""
        sql = (
            f"UPDATE {self.table} SET heartbeat_at = {self.now}, expires_at = {self.later('$milliseconds')} "
            "WHERE stack = $stack AND token = $token"
        )
        return Statement(sql, {"stack": claim.stack, "token": claim.token, "milliseconds": claim.milliseconds})

    def release(self, claim: Claim) -> Statement:
        """It stays readable who held it."""
        ended = f"heartbeat_at = NULL, expires_at = {self.now}"
        sql = f"UPDATE {self.table} SET {ended} WHERE stack = $stack AND token = $token"
        return Statement(sql, {"stack": claim.stack, "token": claim.token})

    def check(self, claim: Claim) -> Statement:
        """Reads a text as a number where the row has another token than ours."""
        sql = f"SELECT {OWNED} FROM {self.table} WHERE stack = $stack"
        return Statement(sql, {"stack": claim.stack, "token": claim.token})

    def fenced(self, claim: Claim, statements: Sequence[Statement]) -> list[Statement]:
        """The check that keeps the row is a renewal."""
        end = self.later(f"$milliseconds + {OWNED}")
        sql = f"UPDATE {self.table} SET heartbeat_at = {self.now}, expires_at = {end} WHERE stack = $stack"
        return self.fence(self.check(claim), replace(self.renew(claim), sql=sql), statements)
