"""Events and results -> what a person reads. The only module that imports rich: where there is something to say.

Results go to stdout, narration to stderr. On a terminal a progress line moves; in a pipe every relation is one plain
line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from measure_cli.batch_view import batch_line, count_of, plan_line, rows_text, trouble_line
from measure_cli.batches import BatchPlan
from measure_cli.cells import shown
from measure_cli.errors import MeasureError
from measure_cli.events import (
    AuditFinished,
    BatchCrowded,
    BatchesPlanned,
    BatchFinished,
    BatchRetried,
    BatchSplit,
    ComparisonBegun,
    Notice,
    PlanBuilt,
    RelationCompared,
    Retried,
    RunEvent,
    RunFinished,
    StepFinished,
    StepStarted,
)
from measure_cli.kinds import RelationKind
from measure_cli.results import AuditResult, AuditStatus, RunResult, StepResult, StepStatus, Table
from measure_cli.tables import (
    Column,
    body_lines,
    columns_of,
    header_lines,
    natural_width,
    rule_line,
    turned,
    widths_within,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.status import Status

MARKS: Mapping[StepStatus, tuple[str, str]] = {
    StepStatus.BUILT: ("ok", "green"),
    StepStatus.UNCHANGED: ("--", "dim"),
    StepStatus.FAILED: ("FAIL", "red"),
    StepStatus.SKIPPED: ("skip", "yellow"),
    StepStatus.HELD: ("held", "yellow"),
    StepStatus.ABSENT: ("none", "dim"),
}
WIDEST_PIPE = 10_000
FOLDED_COLUMNS = 6  # a table of more columns is turned where it does not fit
TURNED_ROWS = 3
LINES_AT_ONCE = 1000


def make_console(stderr: bool, color: bool) -> Console:
    """A console for one stream. In a pipe lines are never folded to a terminal's width."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else WIDEST_PIPE
    plain = not color or bool(os.environ.get("NO_COLOR"))
    return Console(stderr=stderr, no_color=plain, highlight=False, width=width, soft_wrap=True, emoji=False)


def escaped(text: str) -> str:
    """Markup that shows a text as it is."""
    from rich.markup import escape

    return escape(text)


class RunView:
    """Tells a run on stderr while it goes on. Use as a context manager, and as the listener of the run's events."""

    def __init__(self, color: bool, quiet: bool, for_program: bool = False) -> None:
        self._color, self._quiet, self._for_program = color, quiet, for_program
        self._waiting: Status | None = None
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._running: dict[str, None] = {}
        self._seconds: dict[str, float] = {}  # spent on the batches of a model so far

    def __enter__(self) -> RunView:
        if self._moves:
            self._waiting = self._console.status("looking at the project")
            self._waiting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def __call__(self, event: RunEvent) -> None:
        """Show one event."""
        match event:
            case Notice(text, insists):
                self._say(text, "[dim]note[/] ", insists)
            case PlanBuilt(plan):
                self._start(len(plan.steps))
            case StepStarted(name):
                self._running[name] = None
                self._advance(0)
            case BatchesPlanned(batches):
                self._batches(batches)
            case BatchFinished():
                self._batch(event)
            case BatchRetried() | Retried() | BatchCrowded() | BatchSplit():
                self._say(trouble_line(event), "[yellow]note[/] ")
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

    @cached_property
    def _console(self) -> Console:
        return make_console(stderr=True, color=self._color)

    @property
    def _moves(self) -> bool:
        return not self._quiet and not self._for_program and self._console.is_terminal

    def _start(self, steps: int) -> None:
        self._stop()
        if steps and self._moves:
            from rich import progress

            columns = (
                progress.SpinnerColumn(),
                progress.BarColumn(24),
                progress.MofNCompleteColumn(),
                progress.TimeElapsedColumn(),
                progress.TextColumn("{task.description}"),
            )
            self._progress = progress.Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task("", total=steps)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _advance(self, steps: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=steps, description=escaped(", ".join(self._running)))

    def _say(self, text: str, lead: str = "", insists: bool = False) -> None:
        if not self._quiet and (insists or not self._for_program):
            self._print(text, lead)

    def _print(self, text: str, lead: str) -> None:
        """A text as it is, after some markup."""
        self._console.print(f"{lead}{escaped(text)}")

    def _step(self, result: StepResult) -> None:
        self._running.pop(result.name, None)
        self._advance(1)
        if self._progress is None or result.status is not StepStatus.BUILT or result.kind is RelationKind.MODEL:
            self._tell(result)

    def _batches(self, plan: BatchPlan) -> None:
        self._seconds.pop(plan.relation, None)
        if plan.months or plan.dropped:
            self._say(plan_line(plan))

    def _batch(self, event: BatchFinished) -> None:
        """One line for a batch; on a terminal it takes the place of the line before."""
        line = batch_line(event)
        if self._progress is None:
            self._say(line)
        elif self._task is not None:
            self._progress.update(self._task, description=escaped(line))

    def _tell(self, result: StepResult) -> None:
        mark, style = MARKS[result.status]
        rows = rows_text(result.rows) if result.rows is not None else " " * 17
        if result.status is StepStatus.FAILED:
            self._print(f"{result.name}: {result.reason or ''}", "[red]FAIL[/] ")
        else:
            line = f"{result.name:<42} {rows} {result.seconds:>7.2f} s  {result.reason or ''}"
            self._say(line.rstrip(), f"[{style}]{mark:<4}[/] ")

    def _audit(self, result: AuditResult) -> None:
        if result.status is AuditStatus.PASS:
            return
        style = "yellow" if result.status is AuditStatus.WARN else "red"
        detail = result.message or count_of(result.failures, "offending row")
        if result.status is AuditStatus.WARN and (self._quiet or self._for_program):
            return
        self._print(f"{result.model}: audit {result.name}: {detail}", f"[{style}]{result.status.value:<4}[/] ")
        for line in sample_lines(result.sample):
            self._console.print(line, markup=False)

    def _finish(self, result: RunResult) -> None:
        self._stop()
        if result.command == "audit":
            self._say(*audit_summary(result))
            return
        for model in result.models:
            if model.status is StepStatus.HELD:
                self._tell(model)
        built = sum(model.status is StepStatus.BUILT for model in result.models)
        if not built and not result.failed:
            kept = sum(model.status is StepStatus.UNCHANGED for model in result.models)
            self._say(f": {count_of(kept, 'relation')} up to date", "[green]nothing to do[/]")
            return
        self._say(*build_summary(result))


def sample_lines(sample: Table | None) -> list[str]:
    """Offending rows, one line each: they have many columns and are read one at a time."""
    if sample is None:
        return []
    return [
        "  " + ", ".join(f"{name}={shown(value)}" for name, value in zip(sample.columns, row, strict=True))
        for row in sample.rows
    ]


def build_summary(result: RunResult) -> tuple[str, str]:
    """One line on a build: what follows, and its verdict as markup."""
    counts = {status: sum(model.status is status for model in result.models) for status in StepStatus}
    told = ", ".join(
        f"{count} {status.value}" for status, count in counts.items() if count and status is not StepStatus.ABSENT
    )
    return f": {told}; {audit_counts(result)}; {result.seconds:.2f} s", verdict(result)


def audit_summary(result: RunResult) -> tuple[str, str]:
    """One line on an audit run: what follows, and its verdict as markup."""
    return f": {audit_counts(result)}; {result.seconds:.2f} s", verdict(result)


def verdict(result: RunResult) -> str:
    """How a run ended, in its colour."""
    return f"[{'red' if result.failed else 'green'}]{result.status}[/]"


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


def print_error(error: MeasureError, color: bool) -> None:
    """An error and what to do next, on stderr."""
    console = make_console(stderr=True, color=color)
    console.print(f"[red]error[/]: {escaped(error.message)}")
    if error.hint:
        console.print(escaped(error.hint), style="dim" if color else None)


def print_table(table: Table, color: bool, stderr: bool = False, may_turn: bool = True, most: int = TURNED_ROWS) -> int:
    """A table on its stream; one too wide for the terminal is turned, so that its rows stand side by side.

    Returns the number of rows printed: of a turned table at `most` so many. A pipe gets all rows and columns.
    """
    console, columns = make_console(stderr, color), columns_of(table)
    room = sys.maxsize if console.width == WIDEST_PIPE else console.width
    is_wide = may_turn and bool(table.rows) and len(columns) > FOLDED_COLUMNS and natural_width(columns) > room
    if not is_wide:
        print_columns(console, columns, room)
        return len(table.rows)
    shown_rows = table.rows[:most]
    for number, part in enumerate(turned(Table(table.columns, shown_rows), room)):
        if number:
            console.print()
        print_columns(console, part, room)
    return len(shown_rows)


def print_columns(console: Console, columns: Sequence[Column], room: int) -> None:
    """One table; its rows go to the stream as they are, for rich takes its time on each."""
    widths = widths_within(columns, room)
    for line in header_lines(columns, widths):
        console.print(line, style="bold", markup=False)
    console.print(rule_line(widths, is_ascii=not console.encoding.startswith("utf")), markup=False)
    lines = body_lines(columns, widths)
    while part := list(islice(lines, LINES_AT_ONCE)):
        console.file.write("\n".join(part) + "\n")
    console.file.flush()


def print_lines(lines: Iterable[str], color: bool, stderr: bool = False) -> None:
    """Plain lines, never wrapped."""
    console = make_console(stderr, color)
    for line in lines:
        console.print(line, markup=False)
