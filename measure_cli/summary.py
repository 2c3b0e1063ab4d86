"""The table that ends a build of a bundled stack: `summary.sql` of the stack, run over what is published."""

from __future__ import annotations

from measure_cli.catalog import key_of
from measure_cli.dialects.compile import compile_select
from measure_cli.engines.duckdb import DuckDBEngine
from measure_cli.errors import MeasureError
from measure_cli.loading import Loaded
from measure_cli.materialize import Names
from measure_cli.models import expand
from measure_cli.render import Renderer
from measure_cli.stack import label_of
from measure_cli.types import Statement, Table, Template


def summary_of(loaded: Loaded, engine: DuckDBEngine) -> Table | None:
    """Rows of the stack's summary, or None when it has none or reads something that is not there."""
    file = loaded.stack.folder / "summary.sql"
    if not file.is_file():
        return None
    names = [name for template in loaded.stack.templates for name, _ in expand(loaded.stack, template, loaded.inputs.variables)]
    template = Template("summary", "summary", file, label_of(file, loaded.stack.folder), file.read_text(encoding="utf-8"))
    rendered = Renderer(loaded.inputs, [*names, *loaded.stack.registries]).render(template, "summary", {})
    relations = loaded.catalog.relations
    schema = {f"measure_ref.{name}": dict(relations[name].columns) for name in rendered.refs}
    if any(relations[name].absent for name in rendered.refs):
        return None
    compiled = compile_select(rendered.sql, schema, locate=rendered.locate)
    physical = Names(relations, frozenset())
    session = engine.session()
    try:
        return session.query(Statement(compiled.sql(lambda reference: physical.published(key_of(reference)))))
    except MeasureError:
        return None
    finally:
        session.close()
