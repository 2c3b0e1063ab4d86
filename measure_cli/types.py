"""The nouns that every room of the program shares: plain frozen data, standard library only.

Reading order: what a project declares (sources, registries, templates), what planning makes of it (statements, audits).
Steps and plans stand in `steps.py`, batches in `batches.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from measure_cli.kinds import Materialization, PseudonymHash, SaltOrigin, Scope, Severity

REF_SCHEMA = "measure_ref"
SOURCE_SCHEMA = "measure_source"
STATE_SCHEMA = "measure_state"
STAGED_SUFFIX = "__next"
BATCHES_SUFFIX = "__batches"  # of the table in which the batches of a model wait for publication
UNREADABLE = "_unreadable"
INTERNAL_SCHEMA = "internal"
INTERNAL_ENDING = ".internal.duckdb"
INTERNAL_FILE = "measure_internal"  # what the second file is attached as, while a target is built

Value = str | int | float | bool | None
Row = Mapping[str, Value]
Axis = str | tuple[str, ...]  # what an axis runs over: the name of a variable, or its values


# -- what a project declares ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a declaration stands, for messages: `file:line`."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class AuditSpec:
    """One audit as declared in a schema file, or one singular audit file.

    `warn_if` and `error_if` are conditions on the number of offending rows, e.g. `> 10`.
    """

    kind: str
    arguments: Mapping[str, Any]
    place: Place
    column: str | None = None
    title: str | None = None
    severity: Severity = Severity.ERROR
    where: str | None = None
    limit: int | None = None
    warn_if: str = "> 0"
    error_if: str = "> 0"
    store_failures: bool = False

    @property
    def name(self) -> str:
        """Name in reports: its own title, or the kind and the column."""
        if self.title:
            return self.title
        return f"{self.kind}({self.column})" if self.column else self.kind


@dataclass(frozen=True, slots=True)
class Column:
    """A column as declared: DuckDB type name, meaning, audits.

    `required` holds for inputs; a model's `optional` column may be absent. `identifier` marks a column of a source that
    says who somebody is.
    """

    name: str
    data_type: str | None = None
    description: str = ""
    required: bool = False
    optional: bool = False
    identifier: bool = False
    accepted_values: tuple[str, ...] = ()
    audits: tuple[AuditSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as the stack declares it. Of each tuple in `required_any` at least one column must be there.

    `time_column` says of which day a row is.
    """

    name: str
    description: str
    required: bool
    columns: tuple[Column, ...]
    required_any: tuple[tuple[str, ...], ...] = ()
    time_column: str | None = None


@dataclass(frozen=True, slots=True)
class SourceInput:
    """Where a project finds a source: files (a path or a glob) or a table of the target.

    `renames` maps the declared column to the column of the input; `where` filters on the input's own columns.
    """

    name: str
    place: Place
    path: str | None = None
    table: str | None = None
    renames: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None


@dataclass(frozen=True, slots=True)
class InputShape:
    """What was found in an input: columns with their types, a fingerprint of its content, the files behind it.

    `lacking` names, for a column that not all files have, the first file without it. `stamps` change with the files,
    one by one; `is_uniform`: all of them have the same columns.
    """

    columns: Mapping[str, str]
    fingerprint: str
    files: tuple[str, ...] = ()
    lacking: Mapping[str, str] = field(default_factory=dict)
    stamps: tuple[str, ...] = ()
    is_uniform: bool = False


@dataclass(frozen=True, slots=True)
class RegistrySpec:
    """A registry as the stack declares it.

    A derived registry (`distinct`) may be given as a CSV by the project; without one its rows are the distinct values
    of the named
    source columns, less those of `excluding`.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: tuple[tuple[str, str, str], ...] = ()
    distinct: tuple[tuple[str, str], ...] = ()
    excluding: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """The rows of a registry, typed as declared."""

    spec: RegistrySpec
    rows: tuple[Row, ...]
    fingerprint: str
    place: str


@dataclass(frozen=True, slots=True)
class ModelDoc:
    """What a schema file says of a model."""

    name: str
    place: Place
    description: str = ""
    columns: tuple[Column, ...] = ()
    audits: tuple[AuditSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """One model file before rendering. `name` may hold axes: `fct_journeys_{lookback}d`."""

    name: str
    layer: str
    file: Path
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a stack understands."""

    name: str
    data_type: str
    default: Any
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """A folder of templates and what it declares."""

    name: str
    description: str
    folder: Path
    variables: Mapping[str, Variable]
    axes: Mapping[str, Axis]
    sources: Mapping[str, SourceSpec]
    registries: Mapping[str, RegistrySpec]
    docs: Mapping[str, ModelDoc]
    templates: tuple[Template, ...]
    macro_files: tuple[Path, ...]
    audit_files: Mapping[str, Path]
    singular_audits: tuple[Template, ...]
    registry_folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A connection: engine type and its settings, without secrets."""

    name: str
    type: str
    settings: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Privacy:
    """How pseudonyms are made; `place` is where the project says so."""

    hash: PseudonymHash = PseudonymHash.HMAC_SHA256
    salt: SaltOrigin = SaltOrigin.ENVIRONMENT
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project with every override applied. `is_demo` marks a run without measure.toml on generated data.

    `target` is the one that is asked for, `targets` are all that are declared.
    """

    name: str
    root: Path
    stack: str
    target: Target
    as_of: date
    sources: Mapping[str, SourceInput]
    variables: Mapping[str, Any]
    variable_texts: Mapping[str, str] = field(default_factory=dict)
    is_demo: bool = False
    privacy: Privacy = Privacy()
    targets: Mapping[str, Target] = field(default_factory=dict)

    def path(self, text: str) -> Path:
        """A path written in the project: relative to its root, `~` is the home folder."""
        return self.root / Path(text).expanduser()

    @property
    def target_file(self) -> Path:
        """The file of an embedded target."""
        return self.path(str(self.target.settings["path"]))

    @property
    def internal_file(self) -> Path:
        """The second file of an embedded target, for its internal relations."""
        return self.target_file.with_name(f"{self.target_file.stem}{INTERNAL_ENDING}")


# -- what planning makes of it -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """How many days before or after its own a row depends on: `of` some inputs, and `days` of all others."""

    days: int = 0
    of: Mapping[str, int] = field(default_factory=dict)

    def into(self, relation: str) -> int:
        """The days of one input."""
        return self.of.get(relation, self.days)


OWN_DAY = Reach()


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The arguments of `config(...)` in a template; `severity` is for singular audits, `scope`, `keys` for all audits.

    `stages` are values of the column `stage_by`: a batch is computed for one of them after the other, then for others.
    """

    materialized: Materialization = Materialization.VIEW
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    time_column: str | None = None
    lookback: Reach = OWN_DAY
    lookahead: Reach = OWN_DAY
    complete_days: bool = True
    undated: date | None = None
    start: date | None = None
    stage_by: str | None = None
    stages: tuple[str, ...] = ()
    unique_key: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    pre_hook: tuple[str, ...] = ()
    post_hook: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR
    scope: Scope | None = None
    keys: tuple[str, ...] = ()
    internal_only: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A half-open interval `[start, end)` of time; `stage`: only those rows of it, see `ModelConfig`."""

    start: datetime
    end: datetime
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """Exactly one SQL statement and its bound parameters; `secrets` names those whose values only the engine has."""

    sql: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Insertion(Statement):
    """An INSERT of given rows, all with the same columns; its SQL with bound values says the same.

    Some engines rather take the rows as data.
    """

    table: str = ""
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Rows of local files for a table of an engine that is not DuckDB.

    `select`, in DuckDB's dialect, reads and types them; `columns` are those of the table, with DuckDB types.
    """

    table: str
    columns: tuple[tuple[str, str], ...]
    select: str


@dataclass(frozen=True, slots=True)
class AuditParts:
    """An audit of an incremental relation for one interval of it, whose bounds are bound when it runs.

    It may find what is no offence, but never nothing where the whole audit finds something: given that every other part
    was clean, too. `is_clean` says that the published rows are known to be; they are remembered under `identity`, None
    if nothing can be remembered. With `by_month` only months prove anything, or all at once if `spread`, which counts
    groups that lie in several months, finds none; with `by_row` the days that are replaced do, too. `strays` count rows
    that no interval up to the bounds of all of them holds, `days` tell where there are rows at all.
    """

    count: Statement
    sample: Statement | None
    strays: tuple[Statement, ...]
    days: tuple[Statement, ...]
    by_month: bool
    spread: Statement | None
    identity: str | None
    is_clean: bool
    by_row: bool = False


@dataclass(frozen=True, slots=True)
class AuditStep:
    """One audit, compiled: `count` returns one number, `sample` some offending rows, None where nobody may see them.

    `reads` are the relations the audit looks at besides its model and that model's ancestors. `keep` stores offending
    rows, `keep_none` that there are none.
    """

    model: str
    spec: AuditSpec
    count: Statement
    sample: Statement | None
    keep: tuple[Statement, ...] = ()
    keep_none: tuple[Statement, ...] = ()
    reads: tuple[str, ...] = ()
    parts: AuditParts | None = None
