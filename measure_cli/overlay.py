"""The batches of an incremental model, computed -> what the relation becomes by them, in a run and published. Pure.

Months that came out as they are published are left alone, whatever made them stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure_cli.batches import BatchPlan, DayQueries, Days, is_within
from measure_cli.catalog import Relation
from measure_cli.ddl.base import Swap
from measure_cli.ddl.intervals import between, within_any
from measure_cli.materialize import Names, has_hooks, hooks, listed
from measure_cli.types import Statement


@dataclass(frozen=True, slots=True)
class BatchOverlay:
    """What one plan makes of one model; an `Overlay`.

    `existing` is what stands under its name now, `days` are those that it holds, as far as they are on record, with
    hashes of `columns`.
    """

    relation: Relation
    names: Names
    plan: BatchPlan
    stage: str
    existing: str | None
    days: Days | None
    columns: Sequence[str]

    def comparison(self) -> tuple[Statement, Statement] | None:
        """Hashes by day; where hooks change rows, those that are published are not those that others have read."""
        if self.plan.is_full or not self.plan.months or has_hooks(self.relation):
            return None
        ddl, columns = self.names.ddl.batches, [name for name, _ in self.relation.columns]
        published = f"SELECT {self._listed} FROM {self._published} WHERE {self._replaced}"
        staged, replaced = (
            Statement(ddl.days(place, columns, self._time_column)) for place in (self.stage, f"({published})")
        )
        return staged, replaced

    def days_after(self) -> DayQueries | None:
        """What stays is on record, what is new stands in the stage."""
        if self.days is None or self.plan.is_full:
            return None
        gone = self.plan.replaced
        kept = {day: facts for day, facts in self.days.items() if not any(is_within(day, one) for one in gone)}
        query = self.names.ddl.batches.days(f"({self._staged})", self.columns, self._time_column)
        return DayQueries({"new": Statement(query)} if self._is_filled else {}, {"kept": kept})

    def rows(self) -> Statement | None:
        """Engines know how many rows a table has; only those that go are looked up."""
        if self.plan.is_full:
            return None
        gone = f" - (SELECT count(*) FROM {self._published} WHERE {self._replaced})" if self.plan.replaced else ""
        new = f" + (SELECT count(*) FROM ({self._staged}) AS staged)" if self._is_filled else ""
        return Statement(f"SELECT (SELECT count(*) FROM {self._published}){gone}{new}")

    def view(self) -> Statement:
        """A view of what the table will hold.

        What stays is read range by range: engines skip the blocks of other ranges, and do not take it for the small
        part that they expect of an OR.
        """
        rows = [self._staged] if self._is_filled or self.plan.is_full else []
        if not self.plan.is_full:
            gone, kept = self.plan.replaced, f"SELECT {self._time_first} FROM {self._published}"
            ranges = between(self.names.ddl.batches, self._time_column, gone) if gone else []
            rows = [*([f"{kept} WHERE {one}" for one in ranges] or [kept]), *rows]
        select = "SELECT {}\nFROM (\n{}\n) AS overlaid".format(self._listed, "\nUNION ALL\n".join(rows))
        return self.names.ddl.view(self.names.staged_name(self.relation.key), self.relation.columns, select)

    def publish(self) -> Sequence[Statement]:
        """The view goes, the stage takes the place of what was stale."""
        names, relation, published = self.names, self.relation, self._published
        described = {column.name: column.description for column in relation.docs if column.description}
        swap = Swap(
            stage=self.stage,
            published=published,
            bare=relation.name,
            existing=self.existing,
            columns=relation.columns,
            time_column=self._time_column,
            intervals=None if self.plan.is_full else self.plan.replaced,
            is_filled=self._is_filled,
            condition=self._replaced,
        )
        return [
            names.ddl.drop(names.staged_name(relation.key), "view"),
            *names.ddl.batches.publish(swap),
            *names.ddl.comments(published, False, relation.description, described),
            *(Statement(sql) for sql in hooks(relation, relation.config.post_hook, published, names)),
        ]

    @property
    def _published(self) -> str:
        return self.names.published_name(self.relation.key)

    @property
    def _time_column(self) -> str:
        assert self.relation.config.time_column is not None
        return self.relation.config.time_column

    @property
    def _listed(self) -> str:
        return listed(self.relation, self.names.ddl.batches)

    @property
    def _time_first(self) -> str:
        """The columns, first the one that engines read where rows are only counted."""
        column = self.names.ddl.batches.column
        others = (column(name) for name, _ in self.relation.columns if name != self._time_column)
        return ", ".join([column(self._time_column), *others])

    @property
    def _is_filled(self) -> bool:
        return any(not month.is_same for month in self.plan.months)

    @property
    def _staged(self) -> str:
        """The rows of the stage that take the place of others."""
        rows = f"SELECT {self._time_first} FROM {self.stage}"
        return f"{rows} WHERE {self._replaced}" if any(month.is_same for month in self.plan.months) else rows

    @property
    def _replaced(self) -> str:
        return within_any(self.names.ddl.batches, self._time_column, self.plan.replaced)
