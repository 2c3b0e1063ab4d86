"""The two SELECTs of an incremental model, of the whole and of one interval, held together. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

from measure_cli.batches import BATCH_END, BATCH_START
from measure_cli.dialects.compiled import UNKNOWN_TYPE, CompiledSelect
from measure_cli.errors import PlanError
from measure_cli.render import Rendered

PLACEHOLDERS = (BATCH_START, BATCH_END)


def with_origins_of(whole: CompiledSelect, batched: CompiledSelect) -> CompiledSelect:
    """The SELECT of all, for lineage computed from what either SELECT is computed from."""
    origins = zip(whole.origins, batched.origins, strict=True)
    return replace(
        whole,
        origins=tuple(tuple(dict.fromkeys((*one, *other))) for one, other in origins),
        deciding=tuple(dict.fromkeys((*whole.deciding, *batched.deciding))),
    )


def check_batched(rendered: Rendered, whole: CompiledSelect, batched: CompiledSelect) -> None:
    """An interval of a model has the columns of the whole, and types that a table can be made with."""
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
