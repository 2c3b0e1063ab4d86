"""Who may import whom. Planning sees no effects, effects cannot plan, views know only nouns; only wiring knows all."""

from __future__ import annotations

import ast
import re
import sys

from tests.architecture.tree import BUNDLED, imports_of, modules, own_imports_of, parsed

NOUNS, INPUTS, PLANNING, EFFECTS, VIEWS, WIRING, ENTRY = range(7)
NAMES = ("nouns", "inputs", "planning", "effects", "views", "wiring", "entry")
LAYERS: dict[str, int] = {
    **dict.fromkeys(
        (
            "__init__",
            "kinds",
            "types",
            "batches",
            "steps",
            "claims",
            "ports",
            "results",
            "events",
            "errors",
            "secrets",
            "sqltext",
            "differences",
            "snowflake_text",
            "clickhouse_text",
        ),
        NOUNS,
    ),
    **dict.fromkeys(
        (
            "textfile",
            "fields",
            "yaml_file",
            "project",
            "stack",
            "audit_spec",
            "audit_render",
            "registry",
            "render",
            "model_config",
            "models",
            "variables",
        ),
        INPUTS,
    ),
    **dict.fromkeys(
        (
            "graph",
            "catalog",
            "incremental",
            "ingest",
            "materialize",
            "cutting",
            "refresh",
            "batch_steps",
            "overlay",
            "standing",
            "audit_steps",
            "forecast",
            "plan",
            "privacy",
            "lineage",
            "script",
        ),
        PLANNING,
    ),
    **dict.fromkeys(
        (
            "state",
            "ledger",
            "waiting",
            "comparing",
            "execute",
            "staying",
            "batching",
            "batch_queue",
            "patience",
            "publishing",
            "auditing",
            "audit_scope",
            "workers",
            "lease",
            "sources",
            "line_ends",
            "cache",
            "compare",
            "diff_sql",
        ),
        EFFECTS,
    ),
    **dict.fromkeys(("cells", "tables", "console", "batch_view", "diff_view", "show_view"), VIEWS),
    **dict.fromkeys(
        (
            "workflows",
            "leasing",
            "all_stacks",
            "asked",
            "preview",
            "inspection",
            "diffing",
            "querying",
            "request",
            "connecting",
            "inputs",
            "loading",
            "summary",
            "rejects",
            "scaffold",
        ),
        WIRING,
    ),
    **dict.fromkeys(("cli", "command", "process", "streams", "__main__"), ENTRY),
}
FOLDERS = {"dialects": PLANNING, "ddl": PLANNING, "engines": EFFECTS, "demo": EFFECTS}
FORBIDDEN = re.compile(
    r"^print$|(^|\.)(echo|secho)$|^sys\.std(out|err)\.(write|print)$"
    r"|(^|\.)datetime\.(now|today|utcnow)$|(^|\.)date\.today$|^time\.(time|time_ns|localtime|gmtime|strftime)$"
)


def layer_of(module: str) -> int | None:
    """The layer of a module; None when it has none yet."""
    return FOLDERS.get(module.partition(".")[0], LAYERS.get(module))


def may_import(importer: int, imported: int) -> bool:
    """Downward; effects and views see nothing but nouns and their own layer."""
    return imported in (NOUNS, importer) if importer in (EFFECTS, VIEWS) else imported <= importer


def test_every_module_has_a_layer() -> None:
    """A new module is entered above, in the layer whose rule it keeps."""
    assert [module for module in modules() if layer_of(module) is None] == []


def test_every_name_above_is_a_module() -> None:
    assert [name for name in LAYERS if name not in modules()] == []


def test_imports_point_downward() -> None:
    violations = [
        f"{modules()[module].name}:{found.line}: {module} ({NAMES[own]}) imports {found.module} ({NAMES[other]})"
        for module in modules()
        if (own := layer_of(module)) is not None
        for found in own_imports_of(module)
        if (other := layer_of(found.module)) is not None and not may_import(own, other)
    ]
    assert violations == []


def test_there_are_no_circles() -> None:
    """Not among modules of one layer either, function-local imports included."""
    needs = {module: {found.module for found in own_imports_of(module)} - {module} for module in modules()}
    while free := [module for module, needed in needs.items() if not needed & set(needs)]:
        for module in free:
            del needs[module]
    assert needs == {}


def test_nouns_use_the_standard_library_only() -> None:
    foreign = [
        f"{module}: {found.module}"
        for module in modules()
        if layer_of(module) == NOUNS
        for found in imports_of(module)
        if (top := found.module.partition(".")[0]) != "measure_cli" and top not in sys.stdlib_module_names
    ]
    assert foreign == []


def importers_of(*packages: str) -> set[str]:
    return {
        module for module in modules() for found in imports_of(module) if found.module.partition(".")[0] in packages
    }


def test_only_the_console_imports_rich() -> None:
    assert importers_of("rich") == {"console"}


def test_only_effects_import_a_driver() -> None:
    assert {
        module
        for module in importers_of("duckdb", "chdb", "clickhouse_connect", "snowflake")
        if layer_of(module) != EFFECTS
    } == set()


def test_only_dialects_import_sqlglot() -> None:
    assert {module for module in importers_of("sqlglot") if not module.startswith("dialects.")} == set()


def test_only_rendering_imports_jinja() -> None:
    assert importers_of("jinja2") == {"render"}


def test_planning_imports_nothing_that_touches_the_world() -> None:
    world = {
        "os",
        "pathlib",
        "subprocess",
        "socket",
        "threading",
        "time",
        "tempfile",
        "shutil",
        "urllib",
        "requests",
        "random",
        "uuid",
    }
    found = [
        f"{module}:{found.line}: {found.module}"
        for module in modules()
        if layer_of(module) == PLANNING
        for found in imports_of(module)
        if found.module.partition(".")[0] in world
    ]
    assert found == []


def called(node: ast.Call) -> str:
    """What is called, as far as it is names and dots; a call on the result of a call begins with a dot."""
    parts: list[str] = []
    target = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    return ".".join([*([target.id] if isinstance(target, ast.Name) else [""]), *reversed(parts)])


def test_nothing_below_wiring_prints_or_reads_the_clock() -> None:
    """The console prints through rich; execution gets a clock from the workflow."""
    found = [
        f"{module}:{node.lineno}: {name}()"
        for module, file in modules().items()
        if (layer := layer_of(module)) is not None and layer < WIRING
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call) and FORBIDDEN.search(name := called(node))
    ]
    assert found == []


def test_no_module_is_dead() -> None:
    """Everything is reached from the command line; the demo of a stack is loaded by the name of the stack."""
    reached: set[str] = set()
    edge = {"__main__", *(f"demo.{file.parent.name}" for file in BUNDLED.glob("*/stack.yml"))}
    while edge:
        reached |= edge
        edge = {found.module for module in edge for found in own_imports_of(module)} - reached
    packages = {f"{module.rpartition('.')[0]}.__init__" for module in reached if "." in module} | {"__init__"}
    assert sorted(set(modules()) - reached - packages) == []


def test_the_rule_sees_imports_wherever_they_stand() -> None:
    """Imports under TYPE_CHECKING and inside of functions are among those that are judged."""
    assert "duckdb" in {found.module for found in imports_of("sources")}, "imported in a function"
    assert "request" in {found.module for found in own_imports_of("command")}, "imported for its types and in functions"
    assert not may_import(EFFECTS, PLANNING)
    assert not may_import(VIEWS, WIRING)
    assert not may_import(PLANNING, EFFECTS)
    assert may_import(WIRING, VIEWS)
    assert FORBIDDEN.search("print")
    assert FORBIDDEN.search("datetime.now")
    assert not FORBIDDEN.search(".print")
