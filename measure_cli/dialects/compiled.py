"""A compiled model as plain data: no sqlglot here, so that a cached result is used without loading it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

UNKNOWN_TYPE = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A construct that engines disagree on. `line` is a line of the rendered SQL."""

    rule: str
    line: int | None
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A column of a relation from which something is computed, through pseudonymize() or not."""

    relation: str
    column: str
    pseudonymized: bool = False


@dataclass(frozen=True, slots=True)
class CompiledSelect:
    """One SELECT, cut at the relations it reads.

    `parts` alternates: parts[0], parts[2], ... are SQL text, parts[1], parts[3], ... are relations in the form
    `<pseudo schema>.<name>`. `columns` are the output columns with their DuckDB types, or `UNKNOWN`; `origins` says for
    each of them what it is computed from, `deciding` what decides which rows there are. `reads` says which
    columns of which relation it names at all. `secrets` are the parameters that have to be bound where the SELECT runs.
    """

    parts: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    relations: tuple[str, ...]
    findings: tuple[LintFinding, ...] = ()
    secrets: tuple[str, ...] = ()
    origins: tuple[tuple[Origin, ...], ...] = ()
    deciding: tuple[Origin, ...] = ()
    reads: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def sql(self, naming: Callable[[str], str]) -> str:
        """The statement, with every relation under the SQL text that `naming` gives it.

        >>> CompiledSelect(("SELECT 1 FROM ", "measure_ref.a", ""), (), ("measure_ref.a",)).sql(lambda key: "marts.a")
        'SELECT 1 FROM marts.a'
        """
        return "".join(naming(part) if index % 2 else part for index, part in enumerate(self.parts))

    def to_json(self) -> str:
        """As JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> CompiledSelect:
        """From the text that `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        return cls(
            parts=tuple(fields["parts"]),
            columns=tuple((name, data_type) for name, data_type in fields["columns"]),
            relations=tuple(fields["relations"]),
            findings=tuple(LintFinding(**finding) for finding in fields["findings"]),
            secrets=tuple(fields.get("secrets", ())),
            origins=tuple(tuple(Origin(**origin) for origin in column) for column in fields.get("origins", ())),
            deciding=tuple(Origin(**origin) for origin in fields.get("deciding", ())),
            reads=tuple((relation, tuple(columns)) for relation, columns in fields.get("reads", ())),
        )
