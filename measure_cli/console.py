"""Events and results -> what a person reads. The only module that imports rich.

Results go to stdout, narration to stderr. On a terminal a progress line moves; in a pipe every relation is one plain
line.
"""

from __future__ import annotations

import math
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from measure_cli.batch_view import batch_line, count_of, plan_line, trouble_line
from measure_cli.batches import BatchPlan
from measure_cli.errors import MeasureError
from measure_cli.events import (
    AuditFinished,
    BatchesPlanned,
    BatchFinished,
    BatchRetried,
    BatchSplit,
    ComparisonBegun,
    Notice,
    PlanBuilt,
    RelationCompared,
    RunEvent,
    RunFinished,
    StepFinished,
    StepStarted,
)
from measure_cli.kinds import RelationKind
from measure_cli.results import AuditResult, AuditStatus, RunResult, StepResult, StepStatus, Table

MARKS: Mapping[StepStatus, tuple[str, str]] = {
    StepStatus.BUILT: ("ok", "green"),
    StepStatus.UNCHANGED: ("--", "dim"),
    StepStatus.FAILED: ("FAIL", "red"),
    StepStatus.SKIPPED: ("skip", "yellow"),
    StepStatus.HELD: ("held", "yellow"),
    StepStatus.ABSENT: ("none", "dim"),
}
WIDEST_PIPE = 10_000
TRANSPOSED_ROWS = 3
FOLDED_COLUMNS = 6


class PatientConsole(Console):
    """A console whose reader may leave: what follows is not shown, and the run goes on."""

    def on_broken_pipe(self) -> None:
        """Write to nowhere from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def make_console(stderr: bool, color: bool) -> Console:
    """A console for one stream. In a pipe lines are never folded to a terminal's width."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else WIDEST_PIPE
    plain = not color or bool(os.environ.get("NO_COLOR"))
    return PatientConsole(stderr=stderr, no_color=plain, highlight=False, width=width, soft_wrap=True)


class RunView:
    """Tells a run on stderr while it goes on. Use as a context manager, and as the listener of the run's events."""

    def __init__(self, color: bool, quiet: bool) -> None:
        self._console = make_console(stderr=True, color=color)
        self._quiet = quiet
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._running: dict[str, None] = {}
        self._seconds: dict[str, float] = {}  # spent on the batches of a model so far

    def __enter__(self) -> RunView:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def __call__(self, event: RunEvent) -> None:
        """Show one event."""
        match event:
            case Notice(text):
                self._say(f"[dim]note[/] {escape(text)}")
            case PlanBuilt(plan):
                self._start(len(plan.steps))
            case StepStarted(name):
                self._running[name] = None
                self._advance(0)
            case BatchesPlanned(batches):
                self._batches(batches)
            case BatchFinished():
                self._batch(event)
            case BatchRetried() | BatchSplit():
                self._say(f"[yellow]note[/] {escape(trouble_line(event))}")
            case AuditFinished(audit):
                self._audit(audit)
            case StepFinished(step):
                self._step(step)
            case RunFinished(run):
                self._finish(run)
            case ComparisonBegun(relations):
                self._start(relations)
            case RelationCompared(name):
                self._running.pop(name, None)
                self._advance(1)

    def _start(self, steps: int) -> None:
        if steps and self._console.is_terminal and not self._quiet:
            columns = (
                SpinnerColumn(),
                BarColumn(24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task("", total=steps)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _advance(self, steps: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=steps, description=escape(", ".join(self._running)))

    def _say(self, markup: str) -> None:
        if not self._quiet:
            self._console.print(markup)

    def _step(self, result: StepResult) -> None:
        self._running.pop(result.name, None)
        self._advance(1)
        if self._progress is None or result.status is not StepStatus.BUILT or result.kind is RelationKind.MODEL:
            self._tell(result)

    def _batches(self, plan: BatchPlan) -> None:
        self._seconds.pop(plan.relation, None)
        if plan.months or plan.dropped:
            self._say(escape(plan_line(plan)))

    def _batch(self, event: BatchFinished) -> None:
        """One line for a batch; on a terminal it takes the place of the line before."""
        spent = self._seconds[event.name] = self._seconds.get(event.name, 0.0) + event.seconds
        line = batch_line(event, spent)
        if self._progress is None:
            self._say(escape(line))
        elif self._task is not None:
            self._progress.update(self._task, description=escape(line))

    def _tell(self, result: StepResult) -> None:
        mark, style = MARKS[result.status]
        rows = f"{result.rows:>12,} rows" if result.rows is not None else " " * 17
        line = f"[{style}]{mark:<4}[/] {escape(result.name):<42} {rows} {result.seconds:>7.2f} s"
        if result.status is StepStatus.FAILED:
            self._console.print(f"[red]FAIL[/] {escape(result.name)}: {escape(result.reason or '')}")
        else:
            self._say(f"{line}  {escape(result.reason or '')}".rstrip())

    def _audit(self, result: AuditResult) -> None:
        if result.status is AuditStatus.PASS:
            return
        style = "yellow" if result.status is AuditStatus.WARN else "red"
        detail = result.message or count_of(result.failures, "offending row")
        text = escape(f"{result.model}: audit {result.name}: {detail}")
        if result.status is AuditStatus.WARN and self._quiet:
            return
        self._console.print(f"[{style}]{result.status.value:<4}[/] {text}")
        for line in sample_lines(result.sample):
            self._console.print(line, markup=False)

    def _finish(self, result: RunResult) -> None:
        self._stop()
        if result.command == "audit":
            self._say(audit_summary(result))
            return
        for model in result.models:
            if model.status is StepStatus.HELD:
                self._tell(model)
        built = sum(model.status is StepStatus.BUILT for model in result.models)
        if not built and not result.failed:
            kept = sum(model.status is StepStatus.UNCHANGED for model in result.models)
            self._say(f"[green]nothing to do[/]: all {kept} relations are up to date")
            return
        self._say(build_summary(result))


def sample_lines(sample: Table | None) -> list[str]:
    """Offending rows, one line each: they have many columns and are read one at a time."""
    if sample is None:
        return []
    return [
        "  " + ", ".join(f"{name}={printable(shown(value))}" for name, value in zip(sample.columns, row, strict=True))
        for row in sample.rows
    ]


def build_summary(result: RunResult) -> str:
    """One line on a build."""
    counts = {status: sum(model.status is status for model in result.models) for status in StepStatus}
    told = ", ".join(
        f"{count} {status.value}" for status, count in counts.items() if count and status is not StepStatus.ABSENT
    )
    style = "red" if result.failed else "green"
    return f"[{style}]{result.status}[/]: {told}; {audit_counts(result)}; {result.seconds:.2f} s"


def audit_summary(result: RunResult) -> str:
    """One line on an audit run."""
    return f"[{'red' if result.failed else 'green'}]{result.status}[/]: {audit_counts(result)}; {result.seconds:.2f} s"


def audit_counts(result: RunResult) -> str:
    """Audits by verdict."""
    counts = {status: sum(audit.status is status for audit in result.audits) for status in AuditStatus}
    words = {
        AuditStatus.PASS: "passed",
        AuditStatus.WARN: "warned",
        AuditStatus.FAIL: "failed",
        AuditStatus.ERROR: "could not run",
    }
    told = ", ".join(f"{count} {words[status]}" for status, count in counts.items() if count)
    return f"audits: {told or 'none'}"


def rich_table(table: Table) -> RichTable:
    """A table for people: numbers to the right, NULL shown as such."""
    drawn = RichTable(header_style="bold", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    texts = cell_texts(table)
    for name, values in zip(table.columns, columns_of(table), strict=True):
        numeric = any(isinstance(value, int | float | Decimal) for value in values)
        drawn.add_column(escape(name), justify="right" if numeric else "left", overflow="fold", vertical="bottom")
    for row in zip(*texts, strict=True):
        drawn.add_row(*(escape(text) for text in row))
    return drawn


def columns_of(table: Table) -> list[list[Any]]:
    """The values column by column."""
    return [[row[index] for row in table.rows] for index in range(len(table.columns))]


def cell_texts(table: Table) -> list[list[str]]:
    """What is shown, column by column; numbers of one column are written alike."""
    return [column_texts(values) for values in columns_of(table)]


def column_texts(values: Sequence[Any]) -> list[str]:
    """What is shown of one column."""
    fraction, large = is_fraction(values), is_large(values)
    return [printable(shown(value, fraction, large)) for value in values]


def printable(text: str) -> str:
    r"""A text with its control characters written out: data must not move the cursor, nor tear a row apart.

    >>> printable("two\nlines"), printable("\x1b[31m"), printable("E-Mail – é")
    ('two\\nlines', '\\x1b[31m', 'E-Mail – é')
    """
    return "".join(repr(char)[1:-1] if unicodedata.category(char) == "Cc" else char for char in text)


def is_fraction(values: Iterable[Any]) -> bool:
    """Whether all real numbers of a column are below 1, so that two decimals would hide them."""
    return all(abs(float(value)) < 1 for value in values if isinstance(value, float | Decimal))


def is_large(values: Iterable[Any]) -> bool:
    """Whether a column holds whole numbers that need a thousands separator; a column of years does not."""
    return any(abs(value) >= 10_000 for value in values if isinstance(value, int))


def shown(value: Any, fraction: bool = False, large: bool = False) -> str:
    """One value for people."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}" if large else str(value)
    if isinstance(value, float | Decimal):
        return f"{value:.4g}" if fraction else f"{value:,.2f}"
    return str(value)


def print_error(error: MeasureError, color: bool) -> None:
    """An error and what to do next, on stderr."""
    console = make_console(stderr=True, color=color)
    console.print(f"[red]error[/]: {escape(error.message)}")
    if error.hint:
        console.print(escape(error.hint), style="dim" if color else None)


def print_table(table: Table, color: bool, stderr: bool = False, may_turn: bool = True) -> int:
    """A table on its stream; one too wide for the terminal is turned, so that its first rows stand side by side.

    Returns the number of rows printed.
    """
    console, drawn = make_console(stderr, color), rich_table(table)
    natural = Measurement.get(console, console.options.update(width=WIDEST_PIPE), drawn).maximum
    too_wide = may_turn and bool(table.rows) and len(table.columns) > FOLDED_COLUMNS and natural > console.width
    console.print(rich_table(turned(table)) if too_wide else drawn, soft_wrap=False)
    return min(TRANSPOSED_ROWS, len(table.rows)) if too_wide else len(table.rows)


def turned(table: Table) -> Table:
    """Columns as rows, with the first few rows side by side."""
    count = min(TRANSPOSED_ROWS, len(table.rows))
    names = ("column", *(f"row {number}" for number in range(1, count + 1)))
    texts = zip(table.columns, cell_texts(table), strict=True)
    return Table(names, tuple((name.replace("\n", " "), *cells[:count]) for name, cells in texts))


def with_headings(table: Table) -> Table:
    """The table with column names as narrow headings, one word a line."""
    return Table(tuple(name.replace("_", "\n") for name in table.columns), table.rows)


def print_lines(lines: Iterable[str], color: bool, stderr: bool = False) -> None:
    """Plain lines, never wrapped."""
    console = make_console(stderr, color)
    for line in lines:
        console.print(line, markup=False)


def listing_table(facts: Sequence[Mapping[str, Any]]) -> Table:
    """What `list` shows."""
    rows = tuple(
        (
            fact["name"],
            fact["materialized"] or fact["kind"],
            fact["layer"],
            fact["audits"],
            ", ".join(fact["tags"]),
            fact["left_out"] or "",
        )
        for fact in facts
    )
    return Table(("name", "kind", "layer", "audits", "tags", "left out"), rows)


def to_json(value: Any) -> Any:
    """A value as JSON knows it: days as text, decimals as numbers, what is no number as null."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Decimal | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int) else str(value)
