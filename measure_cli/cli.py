"""Typer commands: flags in, one workflow call, exit code out. Heavy modules are imported inside of commands."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from measure_cli.command import Call, common
from measure_cli.process import run
from measure_cli.streams import guard

DAY = ["%Y-%m-%d"]
app = typer.Typer(
    name="measure",
    help="Attribution and marketing-mix data from touchpoints, conversions and spend, in SQL.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Select = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SELECT]...", help="Names, globs, tag:x, layer:x, changed, +m, m+, 2+m, @m; commas intersect."
    ),
]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", help="Leave these out; the same grammar as SELECT.")]


@app.callback(invoke_without_command=True)
def top(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Options of `measure` itself."""
    if version:
        from measure_cli import __version__

        typer.echo(f"measure {__version__}")
        raise typer.Exit


@app.command()
@common
def build(
    call: Call,
    select: Select = None,
    exclude: Exclude = None,
    full: Annotated[bool, typer.Option("--full", help="Rebuild what is up to date, too.")] = False,
) -> None:
    """Build what is new or changed: sources, registries, models, audits; publish what passes.

    Without a measure.toml it builds the bundled stack on demo data; --stack all builds every bundled one.
    """
    from measure_cli import workflows

    calls, results = call.for_each_stack(), []
    for one in calls:
        with one.view() as emit:
            built = workflows.build(one.request(select, exclude, emit), full, with_summary=one.tells and not select)
        results.append(built.result)
        call.show_run(built.result, built.summary)
    call.finish_runs(results)


@app.command()
@common
def refresh(
    call: Call,
    select: Select = None,
    exclude: Exclude = None,
    batch_months: Annotated[int, typer.Option("--batch-months", min=1, help="Months in one batch.")] = 1,
    start: Annotated[
        datetime | None, typer.Option("--start", formats=DAY, help="Build again from this day on, changed or not.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--end", formats=DAY, help="Build again before this day, changed or not.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Rebuild what is up to date, too.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Forget the batches of a run that was stopped.")] = False,
    max_attempts: Annotated[
        int, typer.Option("--max-attempts", min=1, help="How often something is tried when errors may pass.")
    ] = 4,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="Batches of a model at once; default: 1 where the engine is embedded."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be built, and why; touch nothing.")
    ] = False,
) -> None:
    """Build what is new or changed, incremental models by batches of months: only those whose input or SQL changed."""
    from measure_cli import workflows
    from measure_cli.refresh import wishes

    wanted = wishes(batch_months, start, end, restart)
    if dry_run:
        with call.view() as emit:
            models = workflows.forecast(call.request(select, exclude, emit), wanted, full)
        call.finish_forecast(models)
        return
    with call.view() as emit:
        result = workflows.refresh(call.request(select, exclude, emit), wanted, full, max_attempts, threads)
    call.finish_run(result)


@app.command()
@common
def audit(call: Call, select: Select = None, exclude: Exclude = None) -> None:
    """Run every audit of the selected models over what is published."""
    from measure_cli import workflows

    with call.view() as emit:
        result = workflows.audit(call.request(select, exclude, emit))
    call.finish_run(result)


@app.command()
@common
def sql(
    call: Call,
    select: Select = None,
    exclude: Exclude = None,
    dialect: Annotated[
        str | None,
        typer.Option(
            "--dialect", help="duckdb, clickhouse, snowflake (default: the target's); others as well as it goes."
        ),
    ] = None,
    select_only: Annotated[bool, typer.Option("--select-only", help="Print the SELECT of one model.")] = False,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="YYYY-MM", help="One month of the incremental models.")
    ] = None,
    secrets: Annotated[
        bool, typer.Option("--secrets", help='What the script needs, for a shell: eval "$(measure sql --secrets)".')
    ] = False,
) -> None:
    """Print one runnable SQL script of the selected relations."""
    from measure_cli import workflows

    if secrets:
        call.print_exports(workflows.script_secrets(call.request()))
        return
    with call.view() as emit:
        script = workflows.script(call.request(select, exclude, emit), dialect, select_only, batch)
    call.finish_script(script, dialect)


@app.command("list")
@common
def list_(call: Call, select: Select = None, exclude: Exclude = None) -> None:
    """List relations in the order in which they are built."""
    from measure_cli import inspection, show_view

    facts = inspection.listing(call.request(select, exclude))
    if call.json:
        call.print_json(facts)
    else:
        show_view.print_listing(facts, call.color)


@app.command()
@common
def show(
    call: Call,
    model: Annotated[str, typer.Argument(help="A model, registry, or source.NAME.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to show.")] = 10,
) -> None:
    """Show one relation: meaning, columns, audits, and its first rows when it is built."""
    from measure_cli import inspection, show_view

    shown = inspection.show(call.request(), model, limit)
    if call.json:
        call.print_json(show_view.as_json(shown))
    else:
        show_view.print_shown(shown, call.color)


@app.command()
@common
def query(
    call: Call,
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, or - to read it from stdin.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows to show.")] = 100,
) -> None:
    """Run one SELECT on what is built. It can read public relations, and do nothing else."""
    from measure_cli import querying, show_view

    answer = querying.query(call.request(), statement, limit)
    if call.json:
        call.print_json(show_view.answer_json(answer))
    else:
        show_view.print_answer(answer, call.color, call.tells)


@app.command()
@common
def lineage(
    call: Call,
    model: Annotated[str, typer.Argument(metavar="MODEL[.COLUMN]", help="A relation, or one of its columns.")],
) -> None:
    """Show what a relation or a column is made from, and what is made from it."""
    from measure_cli import inspection, show_view

    found = inspection.lineage(call.request(), model)
    if call.json:
        call.print_json(found)
    else:
        show_view.print_lineage(found, call.color)


@app.command()
@common
def diff(
    call: Call,
    a: Annotated[str, typer.Argument(metavar="A", help="A target of measure.toml, or a DuckDB file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What to compare it with.")],
    select: Select = None,
    exclude: Exclude = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Doubles agree up to this part of the larger one.")
    ] = 1e-9,
) -> None:
    """Compare two targets or two DuckDB files, relation by relation; exit 1 if anything differs."""
    from measure_cli import diff_view, diffing

    with call.view() as emit:
        found = diffing.diff(call.request(select, exclude, emit), a, b, tolerance)
    if call.json:
        call.print_json(diff_view.as_json(found))
    else:
        diff_view.print_comparison(found, call.color, call.quiet)
    if found.differs:
        raise typer.Exit(1)


@app.command()
@common
def status(call: Call) -> None:
    """Show the last run, what is built, and audits that did not pass."""
    from measure_cli import inspection, show_view

    found = inspection.status(call.request())
    if call.json:
        call.print_json(show_view.status_json(found))
    else:
        show_view.print_status(found, call.color)


@app.command()
@common
def demo(
    call: Call,
    folder: Annotated[Path | None, typer.Option("--to", help="Folder to write to; default: demo/<stack>.")] = None,
    scale: Annotated[float, typer.Option("--scale", help="Size, 0.1 to 100.")] = 1.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Another draw of the same world.")] = None,
) -> None:
    """Write the deterministic demo inputs of a stack as files."""
    from measure_cli import workflows

    files = workflows.demo(call.request(), folder, scale, seed)
    if call.json:
        call.print_json({name: str(file) for name, file in files.items()})
    else:
        call.print_text("".join(f"{file}\n" for file in files.values()))


@app.command()
@common
def init(call: Call, folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Write a project that builds at once: measure.toml, sample data, registries, a model to edit."""
    from measure_cli import workflows

    files = workflows.init(folder, call.overrides.stack or "starter", call.overrides)
    if call.json:
        call.print_json([str(file) for file in files])
    else:
        call.print_text("".join(f"{file}\n" for file in files))
        call.narrate(f"Now: cd {shlex.quote(str(folder))} && measure build")


def main() -> None:
    """Entry point of the console script."""
    guard()
    run(app)


if __name__ == "__main__":
    main()
