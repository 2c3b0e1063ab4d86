"""Resolved tree -> text, cut at the relations it reads.

Each relation is written under a marker name; a marker that also occurs elsewhere in the text (in a literal, say) is
given up for another, so that cutting at markers cannot hit anything else. Comments are not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator


def write_parts(
    query: exp.Query,
    relations: Sequence[tuple[exp.Table, str]],
    authored: str,
    generate: Callable[[exp.Query, bool], str],
) -> tuple[str, ...]:
    """Alternating text and relation; renames the given table nodes. `authored` is the text the tree was read from."""
    # Pretty printing replaces line breaks in literals by a word for a while; with that word in a text, print plainly.
    pretty = DuckDBGenerator.SENTINEL_LINE_BREAK not in authored
    for attempt in count():
        marker = f"relation_mark{attempt}_"
        for index, (table, _) in enumerate(relations):
            table.set("this", exp.to_identifier(f"{marker}{index}_"))
            table.set("db", None)
        text = generate(query, pretty)
        if text.count(marker) == len(relations):
            break
    first, *pieces = text.split(marker)
    parts = [first]
    for piece in pieces:
        index_text, _, following = piece.partition("_")
        parts += [relations[int(index_text)][1], following]
    return tuple(parts)
