"""Schema files: every key, name, audit and argument is checked, and the message names the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.project import STACK, Case, assert_refused, change, params, write

MARTS = f"{STACK}/marts/schema.yml"
HEAD = f"{STACK}/stack.yml"
TESTS = "data_tests: [unique, not_null]"


def audit(name: str, text: str, *says: str, at: str) -> Case:
    """The audits of fct_touches.event_kind replaced by other text."""
    edit = change(MARTS, f"        {TESTS}\n", f"        data_tests:\n          - {text}\n")
    return Case(name, (edit,), says, (MARTS, at))


YAML = (
    Case(
        "not YAML",
        (change(MARTS, "  - name: fct_touches", "  - name: [fct_touches"),),
        ("is not valid YAML: ",),
        (MARTS, "description:"),
    ),
    Case(
        "tabs",
        (write(MARTS, "models:\n\t- name: fct_touches\n"),),
        ("is not valid YAML: ", "cannot start any token"),
        (MARTS, "name:"),
    ),
    Case(
        "not UTF-8",
        (write(MARTS, b"models:\n  - name: caf\xe9\n"),),
        ("shop/marts/schema.yml: is not UTF-8 text (byte 21)",),
    ),
    Case(
        "key twice",
        (change(MARTS, "    description: Touches", "    description: Once\n    description: Touches"),),
        ('is not valid YAML: the key "description" stands twice',),
        (MARTS, "Touches"),
    ),
    Case(
        "list at the top",
        (write(MARTS, "- name: fct_touches\n"),),
        ("shop/marts/schema.yml:1: the schema file must be a table of keys and values, found the list",),
    ),
    Case(
        "unknown key at the top",
        (change(MARTS, "models:", "model:"),),
        ('shop/marts/schema.yml:1: unknown key "model" in the schema file', 'Did you mean "models"?'),
    ),
    Case(
        "models are no list",
        (write(MARTS, "models:\n  name: fct_touches\n"),),
        ('"models" in the schema file must be a list',),
    ),
    Case(
        "unknown key of a model",
        (change(MARTS, "    description:", "    descripton:"),),
        ('unknown key "descripton" in a model', 'Did you mean "description"?'),
        (MARTS, "name: fct_touches"),
    ),
    Case(
        "unknown key of a column",
        (change(MARTS, "data_tests:", "data_test:"),),
        ('unknown key "data_test" in a column', 'Did you mean "data_tests"?'),
        (MARTS, "name: event_kind"),
    ),
    Case(
        "model without a name",
        (change(MARTS, "  - name: fct_touches\n    desc", "  - desc"),),
        ('a model needs the key "name"',),
        (MARTS, "  - desc"),
    ),
    Case(
        "empty model", (write(MARTS, "models:\n  -\n"),), ("a model must be a table of keys and values, found nothing",)
    ),
    Case(
        "number for a name",
        (change(MARTS, "name: touches", "name: 3"),),
        ('"name" in a column must be a text, found the number 3',),
        (MARTS, "name: 3"),
    ),
)

MODELS = (
    Case(
        "unknown model",
        (change(MARTS, "name: fct_touches", "name: fct_touchs"),),
        ('there is no model "fct_touchs"', 'Did you mean "fct_touches"?'),
        (MARTS, "name: fct_touchs"),
    ),
    Case(
        "expanded name instead of the template's",
        (change(MARTS, "name: fct_touches", "name: fct_recent_7d"),),
        ('there is no model "fct_recent_7d"', 'Did you mean "fct_recent_{lookback}d"?'),
        (MARTS, "name: fct_recent_7d"),
    ),
    Case(
        "model twice",
        (write(f"{STACK}/staging/schema.yml", "models:\n  - name: fct_touches\n"),),
        ('shop/staging/schema.yml:2: the model "fct_touches" is declared already',),
    ),
    Case(
        "documented column that is not there",
        (change(MARTS, "name: touches", "name: touch"),),
        ('"touch" is documented, but fct_touches has no such column', 'Did you mean "touches"?'),
        (MARTS, "name: fct_touches"),
    ),
    Case(
        "column twice",
        (change(MARTS, "      - name: touches", "      - name: event_kind"),),
        ('a model declares the column "event_kind" twice',),
        (MARTS, "name: fct_touches"),
    ),
)

AUDITS = (
    audit("unknown audit", "uniqe", 'unknown audit "uniqe"', 'Did you mean "unique"?', at="name: event_kind"),
    audit(
        "unknown audit with arguments",
        "accepted_value: {values: [x]}",
        'unknown audit "accepted_value"',
        'Did you mean "accepted_values"?',
        at="accepted_value:",
    ),
    audit(
        "missing argument",
        "accepted_values: {}",
        'audit accepted_values on fct_touches: needs the argument "values"',
        at="accepted_values",
    ),
    audit(
        "unknown argument",
        "accepted_values: {values: [x], value: y}",
        'audit accepted_values on fct_touches: takes no argument "value"',
        'Did you mean "values"?',
        at="accepted_values",
    ),
    audit(
        "unknown relation",
        "relationships: {to: stg_touchpoint, field: event_kind}",
        'ref("stg_touchpoint"): there is no such model or registry',
        'Did you mean "stg_touchpoints"?',
        "shop/marts/schema.yml:",
        at="relationships",
    ),
    audit(
        "unknown column of a relation",
        "relationships: {to: stg_touchpoints, field: kind}",
        'unknown column "kind"',
        at="relationships",
    ),
    audit(
        "bad severity", "unique: {severity: warning}", 'unknown severity "warning"', 'Did you mean "warn"?', at="unique"
    ),
    audit(
        "condition in words",
        "unique: {error_if: many}",
        '"error_if" in audit "unique" must be a comparison with a whole number, such as > 10, found the text \'many\'',
        at="unique",
    ),
    audit(
        "condition that is a number",
        "unique: {warn_if: 10}",
        '"warn_if" in audit "unique" must be a text, found the number 10',
        at="unique",
    ),
    audit(
        "limit in words",
        "unique: {limit: few}",
        '"limit" in audit "unique" must be a number, found the text \'few\'',
        at="unique",
    ),
    audit(
        "limit below zero",
        "unique: {limit: -1}",
        '"limit" in audit "unique" must be a whole number of at least 1, found the number -1',
        at="unique",
    ),
    audit("filter that does not parse", "unique: {where: 'touches >'}", "SQL syntax error", at="unique"),
    audit(
        "filter on an unknown column",
        "unique: {where: 'touchs > 1'}",
        'unknown column "touchs"',
        'Did you mean "touches"?',
        at="unique",
    ),
    audit(
        "two audits in one",
        "{unique: {}, not_null: {}}",
        "an audit is a name, or one name with its arguments",
        at="name: event_kind",
    ),
    audit(
        "arguments are a text",
        "unique: always",
        "audit \"unique\" must be a table of keys and values, found the text 'always'",
        at="unique",
    ),
    audit(
        "expression that does not parse",
        "expression_is_true: {expression: 'touches >'}",
        "SQL syntax error",
        at="expression_is_true",
    ),
)

STACK_FILES = (
    Case(
        "unknown key of the stack",
        (change(HEAD, "axes:", "axis:"),),
        ('unknown key "axis" in the stack', 'Did you mean "axes"?', "shop/stack.yml:"),
    ),
    Case(
        "stack without a description",
        (change(HEAD, "description: Touches by kind.\n", ""),),
        ('the stack needs the key "description"', "shop/stack.yml:1: "),
    ),
    Case(
        "unknown type of a variable",
        (change(HEAD, "type: bool", "type: boolean"),),
        ('unknown type "boolean"', 'Did you mean "bool"?'),
        (HEAD, "boolean"),
    ),
    Case(
        "unknown variable of an axis",
        (change(HEAD, "var: lookbacks", "var: lookback"),),
        ('axis "lookback" names the unknown variable "lookback"', 'Did you mean "lookbacks"?'),
        (HEAD, "var: lookback"),
    ),
    Case(
        "axis of a variable that is no list",
        (change(HEAD, "var: lookbacks", "var: batch_size"),),
        ('axis "lookback" needs a list, but the variable "batch_size" is none',),
        (HEAD, "var: batch_size"),
    ),
    Case(
        "default of the wrong type",
        (change(HEAD, "default: 10", "default: ten"),),
        ("the default of variable \"batch_size\" must be int, found the text 'ten'",),
        (HEAD, "ten"),
    ),
    Case(
        "default out of bounds",
        (change(HEAD, "default: 10", "default: 1000"),),
        ('the default of variable "batch_size" must be at most 100, found 1000',),
        (HEAD, "1000"),
    ),
    Case(
        "unknown type of a column",
        (change(f"{STACK}/sources.yml", "data_type: bigint", "data_type: bigit"),),
        ('the column "clicks" has the unknown type "bigit"', 'Did you mean "bigint"?'),
        (f"{STACK}/sources.yml", "- name: spend"),
    ),
    Case(
        "needed column that is not declared",
        (change(f"{STACK}/sources.yml", "[date, week]", "[date, weak]"),),
        ('"required_any" names the unknown column "weak"', 'Did you mean "week"?'),
        (f"{STACK}/sources.yml", "name: kpis"),
    ),
    Case(
        "time column that is not declared",
        (change(f"{STACK}/sources.yml", "- name: spend\n", "- name: spend\n    time_column: dat\n"),),
        ('"time_column" names the unknown column "dat"', 'Did you mean "date"?'),
        (f"{STACK}/sources.yml", "- name: spend"),
    ),
    Case(
        "time column that holds no times",
        (change(f"{STACK}/sources.yml", "- name: spend\n", "- name: spend\n    time_column: channel\n"),),
        ('"time_column"', "a column of type timestamp or date", "channel"),
        (f"{STACK}/sources.yml", "- name: spend"),
    ),
    Case(
        "derived without a source",
        (change(f"{STACK}/registries.yml", "touchpoints.event_kind", "event_kind"),),
        ('"event_kind" must be written as source.column',),
        (f"{STACK}/registries.yml", "- name: channels"),
    ),
    Case(
        "derived from an unknown source",
        (change(f"{STACK}/registries.yml", "touchpoints.event_kind", "touchpoint.event_kind"),),
        ('registry channels is derived from the unknown source "touchpoint"', 'Did you mean "touchpoints"?'),
    ),
    Case(
        "derived from an unknown column",
        (change(f"{STACK}/registries.yml", "touchpoints.event_kind", "touchpoints.kind"),),
        (
            'registry channels is derived from the unknown column "kind" of source touchpoints',
            'Did you mean "event_kind"?',
        ),
    ),
)


@pytest.mark.parametrize("case", params(*YAML, *MODELS, *AUDITS, *STACK_FILES))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)
