"""What every engine's writer of statements offers. Planning asks these questions and never for an engine's name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from measure_cli.claims import LeaseStatements
from measure_cli.kinds import EngineKind
from measure_cli.types import Batch, Load, ModelConfig, Row, Statement

Columns = Sequence[tuple[str, str]]  # names with DuckDB types


class BatchDdl(Protocol):
    """Writes what it takes to build a relation by intervals of time."""

    def column(self, name: str) -> str:
        """The name of a column, as it stands in SQL."""

    def moment(self, text: str) -> str:
        """A TIMESTAMP for an expression of text: a literal, or a placeholder that is bound to text."""

    def literal(self, text: str) -> str:
        """A text as a literal."""

    def days(self, name: str, columns: Sequence[str], time_column: str | None) -> str:
        """The SELECT of `day, rows, content` of what stands in FROM as `name`: one row for each day of a column.

        The day is text, `YYYY-MM-DD`, NULL where there is none; without a time column there is one row, whose day is
        NULL. `content` is text: an order-free hash of the given columns of all rows, equal rows counted as often as
        they are there.
        """

    def delete(self, name: str, condition: str) -> list[Statement]:
        """Remove rows."""

    def insert(self, name: str, columns: Columns, select: str, config: ModelConfig) -> str:
        """Add the rows of a SELECT."""

    def add_text(self, name: str, column: str) -> Statement:
        """Add a column of text to a state table, where it is missing."""

    def is_unfinished(self, place: str, name: str, known: Collection[str]) -> bool:
        """Whether the engine itself left a relation behind, killed while it made one of the known relations."""

    def publish(self, swap: Swap) -> list[Statement]:
        """Replace intervals of the published table by the rows of the stage, and remove the stage.

        Where definitions are part of transactions all statements run in one. Elsewhere they are run in order, and all
        of them again when the run is killed between two: what they leave must be the same.
        """


@dataclass(frozen=True, slots=True)
class Swap:
    """A publication of batches: `intervals` of `published` are replaced by what `stage` holds of them; None: all of it.

    Outside of them the stage may hold rows of other months.
    `condition` holds for the rows of these intervals; `is_filled`: there is a stage, and it may hold rows. `bare` is
    the published name without its place, `existing` what stands under it now.
    """

    stage: str
    published: str
    bare: str
    existing: str | None
    columns: Columns
    time_column: str
    intervals: tuple[Batch, ...] | None
    is_filled: bool
    condition: str


class Ddl(Protocol):
    """Writes statements for one engine. A `name` is a qualified name as `name()` gives it, ready to stand in SQL.

    Lists of statements are run in order. `staged` and `published` are two names of one relation; `existing` is what
    stands under the published one now: "table", "view" or None.
    """

    @property
    def kind(self) -> EngineKind:
        """The engine that understands what is written here."""

    @property
    def batches(self) -> BatchDdl:
        """The writer of what is built by intervals of time."""

    @property
    def is_transactional(self) -> bool:
        """Whether definitions of relations can be changed together with rows, all or nothing."""

    @property
    def is_swap_repeatable(self) -> bool:
        """Whether a table that was published may have been published already: twice leaves the same as once."""

    @property
    def escapes_by_backslash(self) -> bool:
        """Whether a backslash in a literal takes the meaning of the character after it."""

    @property
    def reads_files(self) -> bool:
        """Whether the engine reads local files itself, so that a view can stand on them."""

    def place(self, schema: str, is_internal: bool = False) -> str:
        """Where the relations of a schema stand; the first part of what `relations()` of the engine tells."""

    def name(self, place: str, name: str) -> str:
        """The qualified name of a relation."""

    def create_schema(self, place: str) -> Statement:
        """Make a place where it is missing."""

    def create_table(self, name: str, columns: Columns, config: ModelConfig) -> list[Statement]:
        """Make an empty table in place of whatever table has the name."""

    def table(
        self, name: str, columns: Columns, select: str, config: ModelConfig, secrets: Sequence[str] = ()
    ) -> list[Statement]:
        """Make a table of the rows of a SELECT in place of whatever table has the name."""

    def view(self, name: str, columns: Columns, select: str) -> Statement:
        """Make a view in place of whatever view has the name."""

    def rows(self, name: str, columns: Columns, rows: Sequence[Row]) -> list[Statement]:
        """Make a table of given rows."""

    def load(self, name: str, columns: Columns, select: str) -> list[Statement | Load]:
        """Make a table of the rows that a SELECT of DuckDB's dialect reads from local files."""

    def drop(self, name: str, kind: str) -> Statement:
        """Remove a table or a view, if it is there."""

    def publish_table(self, staged: str, published: str, bare: str, existing: str | None) -> list[Statement]:
        """Put the staged table under the published name: at every moment readers see the old rows or the new ones.

        `bare` is the published name without its place.
        """

    def publish_view(
        self, staged: str, published: str, columns: Columns, select: str, existing: str | None
    ) -> list[Statement]:
        """Make the published view and remove the staged one."""

    def tidy(self, staged: str, as_view: bool) -> list[Statement]:
        """What is left to remove after a publication."""

    def comments(self, name: str, as_view: bool, description: str, columns: Mapping[str, str]) -> list[Statement]:
        """Descriptions of a relation and of its columns, kept by the engine."""

    def keep(self, name: str, select: str, secrets: Sequence[str]) -> list[Statement]:
        """Make a table of the rows of a SELECT whose columns are not known."""

    def state_table(self, name: str, columns: Mapping[str, str]) -> Statement:
        """Make a state table where it is missing: its rows are inserted, updated and deleted one by one."""

    def lease(self) -> LeaseStatements:
        """The lease of a stack, kept beside the state tables."""

    def replace_interval(
        self, name: str, columns: Columns, select: str, time_column: str, batch: Batch
    ) -> list[Statement]:
        """Replace the rows of one interval of time, and nothing else, as one step of a script."""

    def script_head(self, has_internal: bool, secrets: Sequence[str]) -> list[str]:
        """What a script begins with: settings, how to set the secrets that it needs."""

    def script_load(self, name: str, columns: Columns, select: str, file: str) -> list[str]:
        """The statements of a script that make a table of local files; `file` is Parquet with the rows of `select`."""

    def script_placeholder(self, secret: str) -> str:
        """How a script for the engine's own shell refers to a secret."""
