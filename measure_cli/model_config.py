"""The arguments of `config(...)` in a template, checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from measure_cli.errors import did_you_mean
from measure_cli.fields import describe
from measure_cli.kinds import Materialization, Scope, Severity
from measure_cli.types import ModelConfig, Reach

CONFIG_TYPES: Mapping[str, tuple[type, ...]] = {
    "materialized": (str,),
    "tags": (list, str),
    "meta": (dict,),
    "time_column": (str,),
    "lookback": (int, dict),
    "lookahead": (int, dict),
    "start": (str, date),
    "complete_days": (bool,),
    "undated": (str, date),
    "stage_by": (str,),
    "stages": (list, str),
    "unique_key": (list, str),
    "order_by": (list, str),
    "partition_by": (list, str),
    "pre_hook": (list, str),
    "post_hook": (list, str),
    "severity": (str,),
    "scope": (str,),
    "keys": (list, str),
    "internal_only": (bool,),
}
LIST_KEYS = ("tags", "unique_key", "order_by", "partition_by", "pre_hook", "post_hook", "stages", "keys")


class TemplateCallError(Exception):
    """A function of the template language refused its arguments; Jinja's traceback tells the line."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def read_config(arguments: Mapping[str, Any]) -> ModelConfig:
    """Check the arguments of `config(...)`."""
    values: dict[str, Any] = {}
    value: Any
    for key, value in arguments.items():
        if key not in CONFIG_TYPES:
            raise TemplateCallError(f'config: unknown key "{key}"', did_you_mean(key, CONFIG_TYPES))
        if not isinstance(value, CONFIG_TYPES[key]) or (isinstance(value, bool) and bool not in CONFIG_TYPES[key]):
            expected = " or ".join(kind.__name__ for kind in CONFIG_TYPES[key])
            raise TemplateCallError(f'config: "{key}" must be {expected}, found {describe(value)}')
        values[key] = as_tuple(key, value) if key in LIST_KEYS else value
    kind = values.get("materialized", Materialization.VIEW.value)
    if kind not in set(Materialization):
        raise TemplateCallError(f'config: unknown materialization "{kind}"', did_you_mean(kind, list(Materialization)))
    values["materialized"] = Materialization(kind)
    if values["materialized"] is Materialization.INCREMENTAL and not values.get("time_column"):
        raise TemplateCallError('config: an incremental model needs "time_column"')
    for key in ("lookback", "lookahead"):
        if key in values:
            values[key] = reach_of(key, values[key])
    check_stages(values)
    for key in ("start", "undated"):
        if isinstance(values.get(key), str):
            values[key] = day_of(key, values[key])
    known: Mapping[str, type[Severity | Scope]] = {"severity": Severity, "scope": Scope}
    for key in known.keys() & values:
        if values[key] not in set(known[key]):
            raise TemplateCallError(
                f'config: unknown {key} "{values[key]}"', did_you_mean(values[key], list(known[key]))
            )
        values[key] = known[key](values[key])
    return ModelConfig(**values)


def reach_of(key: str, value: int | Mapping[Any, Any]) -> Reach:
    """A number of days for all inputs, or for those that are named; the others have none then."""
    days = value if isinstance(value, Mapping) else {"": value}
    for name, number in days.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            where = f' of "{name}"' if name else ""
            raise TemplateCallError(f'config: "{key}"{where} must be a number of days, found {describe(number)}')
    return Reach(of={str(name): number for name, number in days.items()}) if days is value else Reach(days[""])


def check_stages(values: Mapping[str, Any]) -> None:
    """Stages are different values of a column of an incremental model."""
    stages = values.get("stages", ())
    for key, other in (("stages", "stage_by"), ("stage_by", "stages")):
        if key in values and not values.get(other):
            raise TemplateCallError(f'config: "{key}" needs "{other}"')
    if stages and values["materialized"] is not Materialization.INCREMENTAL:
        raise TemplateCallError(f"config: only an incremental model has stages, found {values['materialized']}")
    if twice := next((stage for stage in stages if stages.count(stage) > 1), None):
        raise TemplateCallError(f'config: "stages" names "{twice}" twice')


def day_of(key: str, text: str) -> date:
    """The day that a key names."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise TemplateCallError(f'config: "{key}" must be a day such as 2024-01-01, found "{text}"') from None


def as_tuple(key: str, value: Any) -> tuple[str, ...]:
    """A text or a list of texts as a tuple."""
    texts = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(text, str) and text for text in texts):
        raise TemplateCallError(f'config: "{key}" must be a list of texts, found {describe(value)}')
    return texts
