"""What refreshing by months costs: next to one pass, next to the same months by hand, and after one day has changed.

Commands are processes of their own, as a user starts them, and take turns. What they leave has to be the same rows.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks.data import MONTHS, SHAPES, Dataset, generate
from benchmarks.refreshing import (
    CHANGED_DAYS,
    JOURNEYS,
    REACH,
    Project,
    Ran,
    add_day,
    add_late_row,
    by_hand,
    content,
    month_selects,
    must_agree,
    must_be_same,
    write_monthly,
    write_reach,
)

WIDTH = 92
LIMITS_MB = (1600, 1200, 900, 700, 500, 400, 300, 240, 200, 160, 130, 110, 95, 85, 75, 65)
NO_MEMORY = "Out of Memory"  # how DuckDB says so
RELATIONS = (f"intermediate.{JOURNEYS}", "intermediate.int_credits_60d", "marts.fct_attribution_60d")
MONTHLY = ("refresh", "--batch-months", "1")


@dataclass(frozen=True)
class Line:
    """A line of the report: what something costs, as a share of something else if that is the point.

    The clock tells the truth on a machine with nothing else to do, CPU seconds nearly anywhere.
    """

    text: str
    seconds: float
    cpu: float | None = None
    than: tuple[float, float] | None = None
    aim: str = ""

    def __str__(self) -> str:
        cpu = "" if self.cpu is None else f"{self.cpu:.2f}"
        ratio = f"{self.seconds / self.than[0]:.2f}" if self.than else ""
        cpu_ratio = f"{self.cpu / self.than[1]:.2f}" if self.than and self.cpu else ""
        return f"{self.text:<{WIDTH}}{self.seconds:>9.2f}{cpu:>9}{ratio:>8}{cpu_ratio:>8}{self.aim:>9}"


def median_of(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The medians of seconds and of CPU seconds."""
    return statistics.median(wall for wall, _ in runs), statistics.median(cpu for _, cpu in runs)


def report(sizes: Sequence[str], folder: Path, repeats: int) -> Iterator[str]:
    """Yield the lines of the report, each as soon as it is known."""
    yield f"{'size':<10}{f'{MONTHS} months':<{WIDTH}}{'seconds':>9}{'cpu s':>9}{'ratio':>8}{'of cpu':>8}{'aim':>9}"
    for size in sizes:
        dataset = generate(SHAPES[size], folder)
        with tempfile.TemporaryDirectory() as name:
            parts = (of_the_stack, of_the_journeys, without_memory)
            for line in chain.from_iterable(part(dataset, Path(name), repeats) for part in parts):
                yield f"{size:<10}{line}"


def of_the_stack(dataset: Dataset, folder: Path, repeats: int) -> Iterator[Line]:
    """One pass, the same by months, and what the next refresh costs."""
    whole, monthly, files = Project(folder / "whole"), Project(folder / "monthly"), folder / "touchpoints"
    write_monthly(dataset, files)
    for project in (whole, monthly):
        project.write(dataset, "starter", touchpoints=f"{files}/*.parquet")
        project.measure("build")  # what is compiled is remembered from now on
    one_pass, by_months = [], []
    for _ in range(repeats):
        one_pass.append(afresh(whole, "build").cost)
        by_months.append(afresh(monthly, *MONTHLY).cost)
    must_agree(whole, monthly, RELATIONS)
    full = median_of(one_pass)
    yield Line("measure build, one pass", *full)
    yield Line("measure refresh --batch-months 1, from nothing: times one pass", *median_of(by_months), full, "<= 1.3")
    nothing = median_of([monthly.measure(*MONTHLY).cost for _ in range(repeats)])
    yield Line("measure refresh, nothing changed: times one pass", *nothing, full)
    for day in CHANGED_DAYS:
        runs = changed_day(monthly, files, day, repeats)
        whole.measure("build", "--full")
        must_agree(whole, monthly, RELATIONS)
        text = f"measure refresh, {day} changed, {batches_of(runs[-1])}: times one pass"
        yield Line(text, *median_of([run.cost for run in runs]), full, "<= 0.05")
    days = [new_day(dataset, whole, monthly, files, number) for number in range(repeats)]
    whole.measure("build", "--full")
    must_agree(whole, monthly, RELATIONS)
    text = "measure refresh, a new day with a file of its own: times one pass"
    yield Line(text, *median_of([run.cost for run in days]), full)


def changed_day(monthly: Project, files: Path, day: str, repeats: int) -> list[Ran]:
    """One file has one row more on a day, again and again."""
    runs = []
    for _ in range(repeats):
        add_late_row(files, day)
        runs.append(monthly.measure(*MONTHLY, "--json"))
    return runs


def batches_of(run: Ran) -> str:
    """How many batches a changed day makes."""
    journeys, ledgers = (
        sum(model["batches"] for model in run.models if model["name"].startswith(name))
        for name in (JOURNEYS, "int_credits_")
    )
    return f"{journeys} batches of journeys and {ledgers} of credits"


def new_day(dataset: Dataset, whole: Project, monthly: Project, files: Path, number: int) -> Ran:
    """The day of reference moves on, and the file of a new day is there: what happens each day."""
    as_of = add_day(files, number)
    for project in (whole, monthly):
        project.write(dataset, "starter", touchpoints=f"{files}/*.parquet", as_of=as_of)
    return monthly.measure(*MONTHLY)


def afresh(project: Project, *arguments: str) -> Ran:
    """Run a command on an empty target."""
    project.database.unlink(missing_ok=True)
    return project.measure(*arguments)


def of_the_journeys(_dataset: Dataset, folder: Path, repeats: int) -> Iterator[Line]:
    """The journeys alone, every month: as the tool does it, and the same SELECTs through the duckdb package."""
    project, copied = Project(folder / "monthly"), folder / "by_hand.duckdb"
    shutil.copyfile(project.database, copied)
    selects = month_selects(project, JOURNEYS)
    runs, hand = [], []
    for _ in range(repeats):
        runs.append(project.measure(*MONTHLY, "--full", JOURNEYS, "--json"))
        hand.append(by_hand(copied, selects))
    must_be_same("by hand", content(project.database, f"intermediate.{JOURNEYS}"), content(copied, "by_hand"))
    floor, tool = median_of(hand), statistics.median(run.model(JOURNEYS)["seconds"] for run in runs)
    yield Line("months of journeys by hand, DELETE and INSERT in a transaction each", *floor)
    yield Line("the same by measure refresh, with plan, record and audits: times by hand", tool, None, floor, "<= 1.7")
    command = median_of([run.cost for run in runs])
    yield Line("the whole command, with its start and publication: times by hand", *command, floor)


def without_memory(dataset: Dataset, folder: Path, _repeats: int) -> Iterator[Line]:
    """Distinct users of each day under the first limit that is too tight for one pass, with no disk to go to."""
    roomy, tight = Project(folder / "roomy"), Project(folder / "tight")
    write_reach(roomy, dataset)
    roomy.measure("build")
    shutil.copytree(roomy.folder, tight.folder)
    for limit in LIMITS_MB:
        write_reach(tight, dataset, f"{limit}MB")
        one_pass = tight.measure("build", "--full", REACH, may_fail=True)
        if not one_pass.exit_code:
            continue
        if NO_MEMORY not in one_pass.told + one_pass.results:
            raise RuntimeError(f"one pass under {limit} MB failed, but not for memory: {one_pass.told}")
        split = tight.measure("refresh", "--full", "--batch-months", str(MONTHS), REACH)
        must_agree(roomy, tight, (f"marts.{REACH}",))
        if splits := split.told.count("is too large for memory"):
            yield Line(f"distinct users a day under {limit} MB, no disk: measure build fails", *one_pass.cost)
            yield Line(f"... measure refresh --batch-months {MONTHS} completes after {splits} splits", *split.cost)
            return
    raise RuntimeError(f"one pass fits into {LIMITS_MB[-1]} MB")
