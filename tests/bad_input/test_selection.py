"""Selections that match nothing, or cannot be read: exit 4 or 2, with the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.project import Case, assert_message, assert_refused, params, run


def select(name: str, exit_code: int, says: tuple[str, ...], *arguments: str) -> Case:
    """A selection that `build` refuses."""
    return Case(name, (), says, None, ("build", *arguments), exit_code)


TOUCHES = 'Did you mean "fct_touches"?'
CASES = (
    select("unknown model", 4, ('nothing matches "fct_touchs"', TOUCHES), "fct_touchs"),
    select("unknown model in other letters", 4, ('nothing matches "FCT_TOUCHES"', TOUCHES), "FCT_TOUCHES"),
    select("unknown model with its ancestors", 4, ('nothing matches "fct_touchs"', TOUCHES), "+fct_touchs"),
    select(
        "unknown model among known ones", 4, ('nothing matches "fct_touchs"', TOUCHES), "stg_touchpoints", "fct_touchs"
    ),
    select("unknown model left out", 4, ('nothing matches "fct_touchs"', TOUCHES), "--exclude", "fct_touchs"),
    select("glob without a match", 4, ('nothing matches "fct_touchs*"', TOUCHES), "fct_touchs*"),
    select("tag without a match", 4, ('nothing matches "tag:kind"', 'Did you mean "kinds"?'), "tag:kind"),
    select("tag that is not near", 4, ('nothing matches "tag:zzz"', "Known: kinds, staging."), "tag:zzz"),
    select("layer without a match", 4, ('nothing matches "layer:mart"', 'Did you mean "marts"?'), "layer:mart"),
    select(
        "nothing in both", 4, ('nothing matches all of "fct_touches,stg_touchpoints"',), "fct_touches,stg_touchpoints"
    ),
    select(
        "all left out",
        4,
        ("fct_touches without fct_* leaves nothing",),
        "fct_touches",
        "--exclude",
        "fct_*",
    ),
    select("absent source", 4, ("nothing of 'source.kpis' can be built: no source kpis",), "source.kpis"),
    select("unknown method", 2, ('unknown selection method "tags:"', 'Did you mean "tag"?'), "tags:kinds"),
    select(
        "sign alone",
        2,
        ('cannot read the selection "+"', "Write name, tag:x, layer:x, +name, name+, 2+name or @name."),
        "+",
    ),
    select("sign in the middle", 2, ('cannot read the selection "a+b"',), "a+b"),
    select("comma alone", 2, ('cannot read the selection ""',), ","),
)


@pytest.mark.parametrize("case", params(*CASES))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)


@pytest.mark.parametrize("command", ["list", "audit", "sql"])
def test_every_command_suggests(command: str, built: Path) -> None:
    assert_message(run(built, command, "fct_touchs"), 4, ('nothing matches "fct_touchs"', TOUCHES))


def test_show_takes_one(built: Path) -> None:
    assert_message(run(built, "show", "fct_touchs"), 4, ('nothing matches "fct_touchs"', TOUCHES))
    assert_message(
        run(built, "show", "fct_recent_*"), 2, ('"fct_recent_*" names 2 relations; show takes one', "fct_recent_7d")
    )
