"""`--stack all`: the demos of all bundled stacks, one after the other, each in a target of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from measure_cli.errors import ProjectError
from measure_cli.project import Overrides, load_project
from measure_cli.results import RunResult
from measure_cli.show_view import run_json
from measure_cli.stack import bundled_stacks

ALL = "all"


def refuse_all(command: str) -> None:
    """All stacks are asked for.

    Raises:
        ProjectError: the command is no build.
    """
    if command != "build":
        raise ProjectError(
            f"--stack {ALL}: {command.rstrip('_')} takes one stack; only build takes them all",
            f"Bundled: {', '.join(bundled_stacks())}.",
        )


def one_by_one(overrides: Overrides) -> list[Overrides]:
    """What is asked, for each stack that is meant.

    Raises:
        ProjectError: all stacks are meant, where there is a project with one of its own.
    """
    if overrides.stack != ALL:
        return [overrides]
    if not load_project(overrides).is_demo:
        raise ProjectError(
            f"--stack {ALL} builds the demos of the bundled stacks, and here is a measure.toml with sources of its own",
            "Leave --stack out, or build the demos in another folder.",
        )
    return [replace(overrides, stack=name) for name in bundled_stacks()]


def runs_json(results: Sequence[RunResult]) -> dict[str, Any]:
    """Several runs as one document."""
    return {
        "command": "build",
        "status": next((result.status for result in results if result.failed), "success"),
        "stacks": [run_json(result) for result in results],
        "seconds": round(sum(result.seconds for result in results), 3),
    }
