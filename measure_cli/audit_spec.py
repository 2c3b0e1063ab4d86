"""One audit as a schema file declares it -> AuditSpec. Whether there is an audit of that name is not looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.fields import Fields
from measure_cli.kinds import Severity
from measure_cli.types import AuditSpec, Place
from measure_cli.yaml_file import line_in

CONDITION = re.compile(r"^\s*(>=|<=|=|==|!=|<>|>|<)\s*\d+\s*$")


def read_audit(item: Any, label: str, parent: Place, column: str | None) -> AuditSpec:
    """One audit: `- unique`, or `- accepted_values: {values: [...], severity: warn}`."""
    if isinstance(item, str):
        return AuditSpec(item, {}, parent, column)
    if not isinstance(item, Mapping) or len(item) != 1:
        raise ProjectError(f"{parent}: an audit is a name, or one name with its arguments")
    kind, arguments = next(iter(item.items()))
    place = Place(label, line_in(item) or parent.line)
    fields = Fields(arguments or {}, place, f'audit "{kind}"')
    severity = fields.text("severity", "error")
    if severity not in set(Severity):
        raise ProjectError(f'{place}: unknown severity "{severity}"', did_you_mean(severity, list(Severity)))
    limit = fields.number("limit")
    if limit is not None and (limit < 1 or limit != int(limit)):
        raise fields.wrong("limit", limit, "a whole number of at least 1")
    fields.raw("description")
    return AuditSpec(
        kind=str(kind),
        title=fields.optional_text("name"),
        severity=Severity(severity),
        where=fields.optional_text("where"),
        limit=None if limit is None else int(limit),
        warn_if=condition(fields, "warn_if"),
        error_if=condition(fields, "error_if"),
        store_failures=fields.flag("store_failures"),
        arguments=fields.rest(),
        place=place,
        column=column,
    )


def condition(fields: Fields, key: str) -> str:
    """A condition on a number of rows, such as `> 10`."""
    text = fields.text(key, "> 0")
    if not CONDITION.match(text):
        raise fields.wrong(key, text, "a comparison with a whole number, such as > 10")
    return text
