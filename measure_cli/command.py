"""What all commands share: the common options, the way errors become exit codes, how results are printed.

`common` adds the options that every command takes to a function whose first parameter is a `Call`.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from measure_cli.errors import Interrupted, MeasureError, exit_code_of
from measure_cli.project import Overrides

if TYPE_CHECKING:
    from measure_cli.events import Emit
    from measure_cli.request import Request
    from measure_cli.results import RunResult, Script
    from measure_cli.summary import Summary

ProjectDir = Annotated[
    Path | None, typer.Option("--project-dir", help="Folder of measure.toml; default: here or a parent.")
]
TargetName = Annotated[str | None, typer.Option("--target", help="Target of measure.toml to work on.")]
StackName = Annotated[str | None, typer.Option("--stack", help="Bundled stack, or a folder of templates.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="The day that counts as today.")]
Var = Annotated[list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="Set a variable; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours.")]


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation of the command line."""

    overrides: Overrides
    json: bool
    quiet: bool
    color: bool

    def request(
        self, select: list[str] | None = None, exclude: list[str] | None = None, emit: Emit | None = None
    ) -> Request:
        """The request for a workflow."""
        from measure_cli.request import Request

        return Request(self.overrides, split(select), split(exclude), emit or (lambda event: None))

    @contextlib.contextmanager
    def view(self) -> Iterator[Emit]:
        """A listener that tells the run on stderr."""
        from measure_cli.console import RunView

        with RunView(self.color, self.quiet, self.json) as view:
            yield view

    def narrate(self, text: str) -> None:
        """A line on stderr."""
        if not self.quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def print_json(self, value: Any) -> None:
        """One JSON document on stdout."""
        from measure_cli.cells import to_json

        self.print_text(json.dumps(to_json(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def print_text(self, text: str) -> None:
        """Text on stdout as it is."""
        sys.stdout.write(text)
        sys.stdout.flush()

    @property
    def tells(self) -> bool:
        """Whether anything but the result itself is said."""
        return not self.quiet and not self.json

    def finish_forecast(self, models: list[dict[str, Any]]) -> None:
        """Print what a refresh would do."""
        if self.json:
            self.print_json({"command": "refresh", "dry_run": True, "models": models})
        elif not models:
            self.narrate("nothing to do: all that is selected is up to date")
        else:
            from measure_cli.batch_view import forecast_table
            from measure_cli.console import print_table

            print_table(forecast_table(models), self.color, may_turn=False)

    def refuse_all_stacks(self, command: str) -> None:
        """Only a build takes all stacks."""
        if self.overrides.stack == "all":
            from measure_cli.all_stacks import refuse_all

            refuse_all(command)

    def for_each_stack(self) -> list[Call]:
        """This call, for each stack that it means."""
        from measure_cli.all_stacks import one_by_one

        calls = [replace(self, overrides=overrides) for overrides in one_by_one(self.overrides)]
        if len(calls) > 1 and self.tells:
            self.narrate(f"stacks: {', '.join(str(call.overrides.stack) for call in calls)}, one after the other")
        return calls

    def show_run(self, result: RunResult, summary: Summary | None = None) -> None:
        """Tell a person how a run ended."""
        from measure_cli.show_view import print_rejected, print_summary

        if self.tells:
            print_rejected(result.rejected, self.color)
        if summary:
            print_summary(summary.title, summary.rows, summary.next_commands, self.color)

    def finish_run(self, result: RunResult) -> None:
        """Print the result of a run and leave with its exit code."""
        self.show_run(result)
        self.finish_runs([result])

    def finish_script(self, script: Script, dialect: str | None) -> None:
        """Print a script; what is missing in it is a failure."""
        if self.json:
            self.print_json({"dialect": dialect, "sql": script.text, "failed": script.failed})
        else:
            self.print_text(script.text)
        if script.failed:
            raise MeasureError(
                f"cannot be written in {dialect}, and is missing in the script: {script.failed[0]}",
                "\n".join(script.failed[1:]) or None,
            )

    def print_exports(self, values: Mapping[str, str]) -> None:
        """Variables of the environment, as lines for a shell."""
        if self.json:
            self.print_json(values)
        else:
            self.print_text("".join(f"export {name}={value}\n" for name, value in values.items()))

    def finish_runs(self, results: Sequence[RunResult]) -> None:
        """Print the document of one run, or of several, and leave with its exit code."""
        if self.json:
            from measure_cli.all_stacks import ALL, runs_json
            from measure_cli.show_view import run_json

            self.print_json(runs_json(results) if self.overrides.stack == ALL else run_json(results[0]))
        if any(result.failed for result in results):
            if results[0].command == "refresh":
                self.narrate(f"go on with: {shlex.join(['measure', *sys.argv[1:]])}")
            raise typer.Exit(1)


def split(terms: list[str] | None) -> tuple[str, ...]:
    """Selection terms: several words in one argument count as several terms; blanks around a comma do not part."""
    return tuple(word for term in terms or () for word in re.sub(r"\s*,\s*", ",", term).split())


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Add the common options to a command and turn errors into messages and exit codes."""

    def wrapper(
        project_dir: ProjectDir = None,
        target: TargetName = None,
        stack: StackName = None,
        as_of: AsOf = None,
        var: Var = None,
        as_json: Json = False,
        quiet: Quiet = False,
        no_color: NoColor = False,
        **own: Any,
    ) -> None:
        today = datetime.now(UTC).date()
        overrides = Overrides(today, project_dir, target, stack, as_of, tuple(var or ()))
        call = Call(overrides, as_json, quiet, not no_color)
        with reported_errors(call.color):
            call.refuse_all_stacks(command.__name__)
            command(call, **own)

    shared = list(inspect.signature(wrapper).parameters.values())[:-1]
    own_parameters = list(inspect.signature(command).parameters.values())[1:]
    hints = get_type_hints(command, include_extras=True) | get_type_hints(wrapper, include_extras=True)
    options = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in (*own_parameters, *shared)
    ]
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    wrapper.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # what typer reads
    wrapper.__annotations__ = {name: hint for name, hint in hints.items() if name not in ("call", "own")}
    return wrapper


@contextlib.contextmanager
def reported_errors(color: bool) -> Iterator[None]:
    """Print our errors on stderr and leave with their exit code."""
    try:
        yield
    except MeasureError as error:
        from measure_cli.console import print_error

        print_error(error, color)
        raise typer.Exit(exit_code_of(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(exit_code_of(Interrupted(2))) from None
