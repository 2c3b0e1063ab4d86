"""The lease of a stack on ClickHouse, which has no transactions.

What is atomic there is CREATE TABLE. Each holder makes a table whose name ends in the number after that of the holder
before, and whose comment is its token; the newest of these tables says who holds the lease, a row tells the rest. A
number is never used twice while a newer one stands, so whoever was slow finds out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure_cli.claims import Claim
from measure_cli.clickhouse_text import clickhouse_identifier, clickhouse_literal
from measure_cli.ddl.clickhouse_tables import Nodes
from measure_cli.types import Statement, Value

LOCK = "lease_"
DIGITS = 12
NOW = "now64(6, 'UTC')"
LATER = f"{NOW} + toIntervalMillisecond($milliseconds)"


@dataclass(frozen=True, slots=True)
class ClickHouseLease:
    """Writes for the database `place`; `table` has the rows, `made` makes both."""

    place: str
    table: str
    made: tuple[Statement, ...]
    nodes: Nodes

    def prepare(self, claim: Claim) -> list[Statement]:
        """The table of rows."""
        del claim
        return [*self.made]

    def look(self, claim: Claim) -> Statement:
        """The newest table first. One without a row has only just been made."""
        sql = (
            f"SELECT toInt64(substring(locks.name, {len(LOCK) + 1}, {DIGITS})) AS generation, "
            "locks.comment AS token, held.run_id, held.holder, held.command, held.acquired_at, held.heartbeat_at, "
            "ifNull(held.expires_at, locks.metadata_modification_time + toIntervalMillisecond($milliseconds)) AS ends, "
            f"ends > {NOW} AS is_live "
            f"FROM system.tables AS locks LEFT JOIN {self.table} AS held "
            "ON held.token = locks.comment AND held.stack = $stack "
            f"WHERE {self._locks(claim)} ORDER BY generation DESC"
        )
        return Statement(sql, {"stack": claim.stack, "milliseconds": claim.milliseconds})

    def take(self, claim: Claim, generation: int) -> list[Statement]:
        """Make the next table, then say in a row who did."""
        made = (
            f"CREATE TABLE {self._lock(claim.stack, generation + 1)}{self.nodes.everywhere} (nothing Bool)\n"
            f"ENGINE = Memory COMMENT {clickhouse_literal(claim.token)}"
        )
        row = (
            f"INSERT INTO {self.table} "
            "(stack, token, run_id, holder, command, acquired_at, heartbeat_at, expires_at) "
            f"SELECT $stack, $token, $run_id, $holder, $command, {NOW}, {NOW}, {LATER}"
        )
        own: dict[str, Value] = {
            "stack": claim.stack, "token": claim.token, "run_id": claim.run_id, "holder": claim.holder,
            "command": claim.command, "milliseconds": claim.milliseconds,
        }  # fmt: skip
        return [Statement(made), Statement(row, own)]

    def tidy(self, claim: Claim, generations: Sequence[int]) -> list[Statement]:
        """Older tables and rows."""
        old = f"DELETE FROM {self.table} WHERE stack = $stack AND token <> $token"
        drops = [
            Statement(f"DROP TABLE IF EXISTS {self._lock(claim.stack, number)}{self.nodes.everywhere}")
            for number in generations
        ]
        return [*drops, Statement(old, {"stack": claim.stack, "token": claim.token})]

    def renew(self, claim: Claim) -> Statement:
        """Change our row."""
        sql = f"UPDATE {self.table} SET heartbeat_at = {NOW}, expires_at = {LATER} WHERE token = $token"
        return Statement(sql, {"token": claim.token, "milliseconds": claim.milliseconds})

    def release(self, claim: Claim) -> Statement:
        """Change our row. The table stays: the next one has to come after it."""
        sql = f"UPDATE {self.table} SET heartbeat_at = NULL, expires_at = {NOW} WHERE token = $token"
        return Statement(sql, {"token": claim.token})

    def check(self, claim: Claim) -> Statement:
        """Throws where the newest table is not ours. A SELECT that throws would spoil the next answer of chDB."""
        newest = f"SELECT comment FROM system.tables AS locks WHERE {self._locks(claim)} ORDER BY name DESC LIMIT 1"
        is_lost = f"throwIf(ifNull(({newest}), '') <> {clickhouse_literal(claim.token)}, 'the lease is lost')"
        return Statement(f"INSERT INTO FUNCTION null('is_lost UInt8') SELECT {is_lost}")

    def fenced(self, claim: Claim, statements: Sequence[Statement]) -> list[Statement]:
        """Every statement takes effect by itself, so each one has its own check."""
        return [each for statement in statements for each in (self.check(claim), statement)]

    def _locks(self, claim: Claim) -> str:
        """The condition of the tables; what it names stands in their definitions anyway."""
        return (
            f"locks.database = {clickhouse_literal(self.place)} AND startsWith(locks.name, '{LOCK}') "
            f"AND substring(locks.name, {len(LOCK) + 1 + DIGITS}) = {clickhouse_literal(f'_{claim.stack}')}"
        )

    def _lock(self, stack: str, generation: int) -> str:
        place = clickhouse_identifier(self.place)
        return f"{place}.{clickhouse_identifier(f'{LOCK}{generation:0{DIGITS}}_{stack}')}"
