"""Variables of a stack: defaults, what measure.toml and --var say, types and bounds checked. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.fields import describe, strict_day
from measure_cli.types import Variable


def resolve_variables(
    declared: Mapping[str, Variable], given: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, Any]:
    """Value of every declared variable. `given` comes from measure.toml, `texts` from the command line and wins.

    Raises:
        ProjectError: an unknown variable, a value of the wrong type or out of bounds.
    """
    places = dict.fromkeys(given, "measure.toml: [vars]") | {name: f"--var {name}={texts[name]}" for name in texts}
    for name, place in places.items():
        if name not in declared:
            raise ProjectError(f'{place}: unknown variable "{name}"', did_you_mean(name, declared))
    values = {}
    for name, variable in declared.items():
        if name in texts:
            values[name] = checked(variable, from_text(variable, texts[name]), f"--var {name}={texts[name]}")
        elif name in given:
            values[name] = checked(variable, given[name], f'measure.toml: "{name}" in [vars]')
        else:
            values[name] = variable.default
    return values


def from_text(variable: Variable, text: str) -> Any:
    """A command-line text as the variable's type; lists are separated by commas."""
    if variable.data_type.startswith("list["):
        item = variable.data_type[5:-1]
        return [scalar_from_text(item, part.strip()) for part in text.strip("[]").split(",") if part.strip()]
    return scalar_from_text(variable.data_type, text)


def scalar_from_text(data_type: str, text: str) -> Any:
    """A text as int, float, bool, or as it is; what cannot be read stays text and fails the type check."""
    try:
        if data_type == "int":
            return int(text)
        if data_type == "float":
            return float(text)
    except ValueError:
        return text
    if data_type == "bool":
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


def checked(variable: Variable, value: Any, where: str) -> Any:
    """The value, if it is of the declared type and within bounds."""
    if variable.data_type.startswith("list["):
        item = variable.data_type[5:-1]
        if not isinstance(value, list) or not all(is_a(item, element) for element in value):
            raise ProjectError(f"{where} must be a list of {item}, found {describe(value)}")
        if item == "int" and (not value or len(set(value)) < len(value)):
            raise ProjectError(f"{where} must hold at least one number and none twice, found {describe(value)}")
        elements = value
    else:
        if not is_a(variable.data_type, value):
            raise ProjectError(f"{where} must be {variable.data_type}, found {describe(value)}")
        elements = [value]
    for element in elements:
        check_bounds(variable, element, where)
    return value.isoformat() if isinstance(value, date) else value


def is_a(data_type: str, value: Any) -> bool:
    """Whether a value is of a declared scalar type; a day may be written as text."""
    if data_type == "date":
        is_moment = isinstance(value, datetime)
        return (isinstance(value, date) and not is_moment) or (isinstance(value, str) and is_day(value))
    if data_type == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return False
    return isinstance(value, {"int": (int,), "float": (int, float), "str": (str,)}[data_type])


def is_day(text: str) -> bool:
    """Whether a text is a calendar day.

    >>> is_day("2024-02-29"), is_day("2023-02-29"), is_day("20240229")
    (True, False, False)
    """
    try:
        strict_day(text)
    except ValueError:
        return False
    return True


def check_bounds(variable: Variable, value: Any, where: str) -> None:
    """Refuse numbers out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if variable.minimum is not None and value < variable.minimum:
        raise ProjectError(f"{where} must be at least {variable.minimum:g}, found {value:g}")
    if variable.maximum is not None and value > variable.maximum:
        raise ProjectError(f"{where} must be at most {variable.maximum:g}, found {value:g}")
