"""The table that ends a build of a bundled stack: `summary.sql` of the stack, run over what is published."""

from __future__ import annotations

from dataclasses import dataclass

from measure_cli.catalog import key_of
from measure_cli.dialects.compile import compile_select
from measure_cli.errors import MeasureError
from measure_cli.loading import Loaded
from measure_cli.materialize import Names
from measure_cli.ports import Engine
from measure_cli.results import Table
from measure_cli.stack import label_of
from measure_cli.textfile import read_text
from measure_cli.types import Statement, Template


@dataclass(frozen=True, slots=True)
class Summary:
    """What ends a build: a title, rows, commands to try next."""

    title: str
    rows: Table
    next_commands: tuple[str, ...]


def summary_of(loaded: Loaded, engine: Engine) -> Summary | None:
    """The stack's summary, or None when it has none or reads something that is not there."""
    file = loaded.stack.folder / "summary.sql"
    if not file.is_file():
        return None
    template = Template("summary", "summary", file, label_of(file, loaded.stack.folder), read_text(file, "summary.sql"))
    rendered = loaded.renderer.render(template, "summary", {})
    relations = loaded.catalog.relations
    schema = {f"measure_ref.{name}": dict(relations[name].columns) for name in rendered.refs}
    if any(relations[name].absent for name in rendered.refs):
        return None
    compiled = compile_select(rendered.sql, schema, locate=rendered.locate, engine=loaded.ddl.kind)
    physical = Names(relations, frozenset(), loaded.ddl)
    session = engine.session()
    try:
        rows = session.query(Statement(compiled.sql(lambda reference: physical.published(key_of(reference)))))
        meta = rendered.config.meta
        return Summary(str(meta.get("title", "")), rows, tuple(meta.get("next", ())) if loaded.project.is_demo else ())
    except MeasureError:
        return None
    finally:
        session.close()
