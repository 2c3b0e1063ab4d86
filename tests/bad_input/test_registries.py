"""Registries of the project: every row is checked when the project is read, and the message names its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.project import Case, assert_refused, change, params, write

STEPS = "registries/steps.csv"
CHANNELS = "registries/channels.csv"
FIRST = "basic,1,touchpoint,Social,0.5,true,2025-01-01"

HEADER = (
    Case(
        "missing column",
        (write(STEPS, "funnel,step\nbasic,1\n"),),
        ('registries/steps.csv:1: the column "stream" is missing', "Found: funnel, step."),
    ),
    Case(
        "unknown column",
        (change(STEPS, ",weight,", ",weigth,"),),
        ('registries/steps.csv:1: unknown column "weigth"', 'Did you mean "weight"?'),
    ),
    Case(
        "column twice",
        (change(STEPS, ",weight,", ",channel,"),),
        ('registries/steps.csv:1: the column "channel" stands twice',),
    ),
    Case(
        "empty file",
        (write(STEPS, ""),),
        ("registries/steps.csv: is empty; expected the columns funnel, step, stream, channel",),
    ),
    Case(
        "not UTF-8",
        (write(STEPS, b"funnel,step,stream\nd\xe9part,1,touchpoint\n"),),
        ("registries/steps.csv: is not UTF-8 text (byte 20)",),
    ),
    Case(
        "registry that the stack does not have",
        (write("registries/step.csv", "funnel,step,stream\n"),),
        ('registries/step.csv: the stack shop has no registry "step"', 'Did you mean "steps"?'),
    ),
)

ROWS = (
    Case("too few values", (change(STEPS, FIRST, "basic,1"),), ("2 values for 7 columns",), (STEPS, "basic,1")),
    Case("too many values", (change(STEPS, FIRST, FIRST + ",x"),), ("8 values for 7 columns",), (STEPS, "basic,1")),
    Case(
        "quote that never ends",
        (change(STEPS, FIRST, '"' + FIRST),),
        ("registries/steps.csv:2: is not valid CSV: unexpected end of data",),
    ),
    Case(
        "key twice",
        (change(STEPS, "basic,2", "basic,1"),),
        ("registries/steps.csv:3: the key funnel = 'basic', step = 1 stands already on line 2",),
    ),
    Case(
        "required value empty",
        (change(STEPS, FIRST, FIRST.replace("basic", " ")),),
        ('"funnel" is empty; it needs a value',),
        (STEPS, "1,touchpoint"),
    ),
    Case(
        "word for a whole number",
        (change(STEPS, FIRST, FIRST.replace("1,", "one,", 1)),),
        ("\"step\" is 'one', expected bigint",),
        (STEPS, "one"),
    ),
    Case(
        "whole number that is too large",
        (change(STEPS, "basic,1", "basic,9223372036854775808"),),
        ("\"step\" is '9223372036854775808', expected bigint",),
        (STEPS, "9223372036854775808"),
    ),
    Case(
        "whole number with a separator",
        (change(STEPS, "basic,1", "basic,1_000"),),
        ("\"step\" is '1_000', expected bigint",),
        (STEPS, "1_000"),
    ),
    Case(
        "word for a number",
        (change(STEPS, "0.5", "half"),),
        ("\"weight\" is 'half', expected double",),
        (STEPS, "half"),
    ),
    Case(
        "number that is none",
        (change(STEPS, "0.5", "nan"),),
        ("\"weight\" is 'nan', expected double",),
        (STEPS, "nan"),
    ),
    Case(
        "word for a flag",
        (change(STEPS, "true", "maybe"),),
        ("\"is_open\" is 'maybe', expected boolean",),
        (STEPS, "maybe"),
    ),
    Case(
        "day that does not exist",
        (change(STEPS, "2025-01-01", "2025-02-29"),),
        ("\"since\" is '2025-02-29', expected date",),
        (STEPS, "2025-02-29"),
    ),
    Case(
        "value that is not accepted",
        (change(STEPS, "touchpoint", "touchpoints"),),
        ("\"stream\" is 'touchpoints', expected touchpoint or conversion", 'Did you mean "touchpoint"?'),
        (STEPS, "touchpoints"),
    ),
    Case(
        "value that is not accepted and not near",
        (change(STEPS, "touchpoint", "x"),),
        ("\"stream\" is 'x', expected touchpoint or conversion",),
        (STEPS, "basic,1,x"),
    ),
    Case(
        "reference to nothing",
        (change(STEPS, "Social", "Socail"),),
        (
            "registries/steps.csv: row 1 below the header: \"channel\" is 'Socail', which channels.name does not hold",
            'Did you mean "Social"?',
        ),
    ),
    Case(
        "channel that a pinned registry lacks",
        (write(CHANNELS, "name,slug\nPaid Serch,paid_search\nSocial,social\n"),),
        (
            'source touchpoints, column event_kind: "Paid Search" has no row in registries/channels.csv',
            'Did you mean "Paid Serch"?',
        ),
    ),
    Case(
        "slug twice",
        (write(CHANNELS, "name,slug\nPaid Search,paid\nSocial,paid\n"),),
        ("registries/channels.csv:3: the key slug = 'paid' stands already on line 2",),
    ),
)

STACK = (
    Case(
        "reference to an unknown registry",
        (change("sql_templates/shop/registries.yml", "registry: channels", "registry: chanels"),),
        ('"channel" refers to the unknown registry "chanels"', 'Did you mean "channels"?'),
    ),
    Case(
        "reference to an unknown column",
        (change("sql_templates/shop/registries.yml", "ref_column: name", "ref_column: names"),),
        ('"channel" refers to the unknown column "names" of registry channels', 'Did you mean "name"?'),
    ),
    Case(
        "reference of an unknown column",
        (change("sql_templates/shop/registries.yml", "column: channel,", "column: chanel,"),),
        ('shop/registries.yml:2: "references" names the unknown column "chanel"', 'Did you mean "channel"?'),
    ),
    Case(
        "key of an unknown column",
        (change("sql_templates/shop/registries.yml", "key: [funnel, step]", "key: [funel, step]"),),
        ('shop/registries.yml:2: "key" names the unknown column "funel"', 'Did you mean "funnel"?'),
    ),
    Case(
        "unknown type",
        (change("sql_templates/shop/registries.yml", "data_type: boolean", "data_type: bolean"),),
        ('shop/registries.yml:2: the column "is_open" has the unknown type "bolean"', 'Did you mean "boolean"?'),
    ),
    Case(
        "no file at all",
        (lambda folder: (folder / STEPS).unlink(),),
        ("registry steps: there is no registries/steps.csv",),
    ),
)


@pytest.mark.parametrize("case", params(*HEADER, *ROWS, *STACK))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)
