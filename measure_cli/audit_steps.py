"""Audit -> the statements that run it: over all rows and, of an incremental relation, over one interval of it. Pure.

A refresh that replaces some months may leave the others alone where it is known that nothing of theirs offends: they
were found clean when they were published, by the same audit, next to the same rows of what it compares them with.
`identity` names all of that; what changes with the days of an input is left out of it, because a month that sees a
changed day is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from measure_cli.batch_steps import bound_as_of, columns_seen
from measure_cli.catalog import Audit, Relation, digest, key_of
from measure_cli.ddl.intervals import NEVER, placeholders, within
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.kinds import Materialization, RelationKind, Scope
from measure_cli.materialize import Names, by_key, secrets_of, stored
from measure_cli.privacy import reads_internal
from measure_cli.types import STATE_SCHEMA, AuditParts, AuditStep, Statement

SAMPLE_ROWS = 5
UNSTEADY_RULES = ("no-random", "no-current-time")  # of lint: what finds something else at another time


@dataclass(frozen=True, slots=True)
class Versions:
    """What relations are made from: as the run reads them (`now`), and as they would be if it built them (`meant`)."""

    relations: Mapping[str, Relation]
    now: Mapping[str, str]
    meant: Mapping[str, str]
    staged: Collection[str]

    def shown(self, key: str) -> str:
        """Changes with what a relation shows: a view shows what stands below it."""
        own = self.now.get(key, self.meant[key])
        return digest(own, [self.shown(parent) for parent in self._below(key)])

    def is_recorded(self, key: str) -> bool:
        """Whether a relation shows what the ledger says: a view does not when what it reads was built without it."""
        is_old = self._is_text(key) and key in self.now and self.now[key] != self.meant[key]
        return not is_old and all(self.is_recorded(parent) for parent in self._below(key))

    def _below(self, key: str) -> tuple[str, ...]:
        return self.relations[key].after if self._is_text(key) else ()

    def _is_text(self, key: str) -> bool:
        relation = self.relations[key]
        is_text = relation.config.materialized in (Materialization.VIEW, Materialization.EPHEMERAL)
        return relation.kind is RelationKind.MODEL and is_text and key not in self.staged


def audit_step(model: str, audit: Audit, names: Names, naming: Callable[[str], str]) -> AuditStep:
    """The statements of one audit: count the offending rows, show some, keep them if asked."""
    rows, secrets = audit.compiled.sql(by_key(naming)), secrets_of(audit.compiled, names)
    if audit.spec.limit is not None:
        rows = f"SELECT * FROM (\n{rows}\n) LIMIT {audit.spec.limit}"
    keep: list[Statement] = []
    keep_none: list[Statement] = []
    if audit.spec.store_failures:
        mark = digest(sorted(audit.spec.arguments.items()), audit.spec.where)[:6]
        table = f"failures_{model}_{safe(audit.spec.name)}"[:110] + f"_{mark}"
        name = names.ddl.name(names.ddl.place(STATE_SCHEMA), table)
        keep = names.ddl.keep(name, rows, secrets)
        keep_none = names.ddl.keep(name, f"SELECT * FROM (\n{rows}\n) WHERE {NEVER}", secrets)
    return AuditStep(
        model=model,
        spec=audit.spec,
        count=counting(rows, secrets),
        sample=sampling(audit, rows, names, secrets),
        keep=tuple(keep),
        keep_none=tuple(keep_none),
        reads=reads_of(model, audit, names.relations),
    )


def reads_of(model: str, audit: Audit, relations: Mapping[str, Relation]) -> tuple[str, ...]:
    """What an audit looks at besides its model, looking through ephemeral models."""
    keys = (key for read in audit.reads for key in stored(read, relations))
    return tuple(dict.fromkeys(key for key in keys if key != model))


def counting(rows: str, secrets: tuple[str, ...]) -> Statement:
    """Count the rows of a SELECT."""
    return Statement(f"SELECT count(*) FROM (\n{rows}\n)", secrets=secrets)


def sampling(audit: Audit, rows: str, names: Names, secrets: tuple[str, ...]) -> Statement | None:
    """Some rows of a SELECT; none of what only models may read."""
    if reads_internal(audit.compiled, names.relations):
        return None
    return Statement(f"SELECT * FROM (\n{rows}\n) LIMIT {SAMPLE_ROWS}", secrets=secrets)


def safe(name: str) -> str:
    """A name with everything but letters, digits and _ replaced."""
    return "".join(char if char.isalnum() else "_" for char in name.lower())


# -- by intervals -----------------------------------------------------------------------------------------------------


def audit_parts(
    relation: Relation, audit: Audit, names: Names, versions: Versions, clean: Collection[str]
) -> AuditParts | None:
    """An audit of an incremental relation for one interval; None where a part proves nothing.

    `clean` are the identities under which the published rows are known to be clean.
    """
    part, parts = audit.part, audit.parts
    if part is None or parts is None or not is_steady(audit) or not sees_what_is_compared(audit, names.relations):
        return None
    rows, windows = part.sql(by_key(names.in_run)), {*parts.visible, *parts.same_days}
    others = [key for key in audit.reads if key != relation.key]
    is_recorded = all(versions.is_recorded(key) for key in others)
    identity = digest(
        audit.compiled.parts,
        part.parts,
        relation.config.time_column,
        [(key, None if key in windows else versions.shown(key)) for key in sorted(others)],
    )
    secrets, by_month = secrets_of(part, names), bool(windows) or parts.scope is Scope.GROUPS
    looked_at = (relation.key, *parts.same_days) if by_month else ()
    bindings = bound_as_of(relation, rows, names.ddl)
    sample = sampling(audit, rows, names, secrets)
    return AuditParts(
        count=replace(counting(rows, secrets), parameters=bindings),
        sample=sample and replace(sample, parameters=bindings),
        strays=tuple(strays(key, names) for key in looked_at),
        days=tuple(days(key, names) for key in looked_at),
        by_month=by_month,
        spread=spread(looked_at, parts.keys, names) if by_month and not parts.visible else None,
        identity=identity if is_recorded else None,
        is_clean=is_recorded and identity in clean,
        by_row=parts.by_row,
    )


def is_steady(audit: Audit) -> bool:
    """Whether an audit finds the same in the same rows whenever it runs, whatever secret is bound."""
    return not audit.compiled.secrets and not any(finding.rule in UNSTEADY_RULES for finding in audit.compiled.findings)


def sees_what_is_compared(audit: Audit, relations: Mapping[str, Relation]) -> bool:
    """Whether months are stale when any value changes that the audit compares with: models have to read it, too."""
    assert audit.parts is not None
    seen, named = columns_seen(relations), dict(named_columns(audit.compiled))
    return all(
        set(named.get(key, ())) <= set(seen.get(key, ())) for key in (*audit.parts.visible, *audit.parts.same_days)
    )


def named_columns(compiled: CompiledSelect) -> list[tuple[str, tuple[str, ...]]]:
    """The columns of each relation that a SELECT names."""
    return [(key_of(reference), columns) for reference, columns in compiled.reads]


def spread(relations: Sequence[str], keys: Sequence[str], names: Names) -> Statement | None:
    """Count the groups whose rows lie in several months, over all of some relations; None where keys are not known."""
    ddl, known = names.ddl.batches, [{column for column, _ in names.relations[key].columns} for key in relations]
    if not keys or any(not set(keys) <= columns for columns in known):
        return None
    listed = ", ".join(map(ddl.column, keys))
    rows = []
    for key in relations:
        column = names.relations[key].config.time_column
        assert column is not None
        month = f"EXTRACT(YEAR FROM {ddl.column(column)}) * 12 + EXTRACT(MONTH FROM {ddl.column(column)})"
        rows.append(f"SELECT {listed}, {month} AS month_no FROM {names.in_run(key)}")
    groups = f"GROUP BY {listed} HAVING min(month_no) < max(month_no)"
    dated = "\nUNION ALL\n".join(rows)
    text = f"SELECT {listed} FROM (\n{dated}\n) AS dated {groups}"
    secrets = tuple(dict.fromkeys(secret for key in relations for secret in names.secrets_in(key)))
    return counting(text, secrets)


def days(key: str, names: Names) -> Statement:
    """The days on which a relation has rows."""
    day_query = names.ddl.batches.days(names.in_run(key), (), names.relations[key].config.time_column)
    return Statement(day_query, secrets=names.secrets_in(key))


def strays(key: str, names: Names) -> Statement:
    """Count the rows of a relation that lie in no month: without a time, or outside of an interval that is bound."""
    relation, ddl = names.relations[key], names.ddl.batches
    column = relation.config.time_column
    assert column is not None
    condition = f"{ddl.column(column)} IS NULL OR NOT ({within(ddl, column, placeholders(ddl))})"
    return Statement(f"SELECT count(*) FROM {names.in_run(key)} WHERE {condition}", secrets=names.secrets_in(key))
