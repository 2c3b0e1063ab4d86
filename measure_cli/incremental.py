"""The two SELECTs of an incremental model, of the whole and of one interval, held together. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

from measure_cli.batches import BATCH_AS_OF, BATCH_END, BATCH_STAGE, BATCH_START
from measure_cli.dialects.compiled import UNKNOWN_TYPE, CompiledSelect
from measure_cli.errors import PlanError, did_you_mean
from measure_cli.render import Rendered
from measure_cli.sqltext import split_placeholders
from measure_cli.types import ModelConfig

PLACEHOLDERS = (BATCH_START, BATCH_END, BATCH_AS_OF)
TEXT = "VARCHAR"


def placeholders_of(config: ModelConfig) -> tuple[str, ...]:
    """What the SELECT of a batch may leave to be bound."""
    return (*PLACEHOLDERS, BATCH_STAGE) if config.stages else PLACEHOLDERS


def check_end(rendered: Rendered) -> None:
    """A model that also holds what is not complete yet has no end to which it could look ahead."""
    if not rendered.config.complete_days and BATCH_AS_OF in split_placeholders(rendered.sql)[1::2]:
        raise PlanError(
            f"{rendered.place_of('batch.as_of')}: found batch.as_of in a model with complete_days=false, "
            "whose rows do not end there",
            "Leave out the condition, or complete_days=false.",
        )


def with_origins_of(whole: CompiledSelect, batched: CompiledSelect) -> CompiledSelect:
    """The SELECT of all, for lineage computed from what either SELECT is computed from."""
    origins = zip(whole.origins, batched.origins, strict=True)
    return replace(
        whole,
        origins=tuple(tuple(dict.fromkeys((*one, *other))) for one, other in origins),
        deciding=tuple(dict.fromkeys((*whole.deciding, *batched.deciding))),
    )


def windows_of(config: ModelConfig) -> tuple[object, ...]:
    """What decides which rows a batch has and sees, besides its SQL."""
    reaches = [(reach.days, sorted(reach.of.items())) for reach in (config.lookback, config.lookahead)]
    return (config.time_column, *reaches, config.start, config.undated)


def check_batched(rendered: Rendered, whole: CompiledSelect, batched: CompiledSelect) -> None:
    """An interval of a model has the columns of the whole, types that a table can be made with, and an end."""
    check_stage_column(rendered, whole)
    check_end(rendered)
    label = rendered.template.label
    for column, other in zip_longest(whole.columns, batched.columns, fillvalue=("no more columns", "")):
        if column != other:
            raise PlanError(
                f"{label}: found {' '.join(other).strip()} where is_incremental() is true, "
                f"and {' '.join(column).strip()} where it is false",
                "Both SELECTs need the same columns with the same types.",
            )
        if column[1] == UNKNOWN_TYPE:
            raise PlanError(
                f"{label}: the type of the column {column[0]} is not known, which an incremental model needs",
                f"Write CAST(... AS <type>) AS {column[0]}.",
            )


def check_stage_column(rendered: Rendered, compiled: CompiledSelect) -> None:
    """The column that tells stages apart exists, and is text."""
    name, kinds = rendered.config.stage_by, dict(compiled.columns)
    if name is None or kinds.get(name) == TEXT:
        return
    place = rendered.place_of("stage_by")
    if name not in kinds:
        raise PlanError(f'{place}: stage_by="{name}": there is no such column', did_you_mean(name, kinds))
    raise PlanError(
        f'{place}: stage_by="{name}": expected a column of type {TEXT}, found {kinds[name]}',
        f"Add a column CAST({name} AS {TEXT}) under another name.",
    )
