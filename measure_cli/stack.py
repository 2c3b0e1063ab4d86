"""A stack's folders -> Stack: templates, macros, audits and what its YAML files declare. Reads files, touches nothing.

Search roots, later ones win by name: the templates bundled with the tool, then the project's own `sql_templates/`. So
a project adds a model to a bundled stack, or replaces one, by putting a file at the same place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from measure_cli.audit_spec import read_audit
from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.fields import Fields
from measure_cli.textfile import read_text
from measure_cli.types import (
    BATCHES_SUFFIX,
    REF_SCHEMA,
    SOURCE_SCHEMA,
    STAGED_SUFFIX,
    Axis,
    Column,
    ModelDoc,
    Place,
    Project,
    RegistrySpec,
    SourceSpec,
    Stack,
    Template,
    Variable,
)
from measure_cli.variables import checked
from measure_cli.yaml_file import line_in, read_yaml

NOT_LAYERS = frozenset({"macros", "audits", "registries", "example"})
TOOL_SCHEMAS = frozenset({"sources", "measure_state", REF_SCHEMA, SOURCE_SCHEMA, "information_schema", "pg_catalog"})
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
TEMPLATE_NAME = re.compile(r"^[a-z]([a-z0-9_]|\{[a-z_]+\})*$")
T = TypeVar("T")
TIME_TYPES = ("timestamp", "date")
SOURCE_TYPES = ("varchar", "timestamp", "date", "bigint", "double", "decimal", "boolean")
REGISTRY_TYPES = ("varchar", "date", "bigint", "integer", "double", "boolean")
VARIABLE_TYPES = ("int", "float", "bool", "str", "date", "list[int]", "list[str]")


def bundled_root() -> Path:
    """The folder that holds `sql_templates` and `registries`: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "bundled"
    return installed if installed.is_dir() else package.parent


def bundled_stacks() -> list[str]:
    """Names of the stacks that come with the tool."""
    return sorted(file.parent.name for file in (bundled_root() / "sql_templates").glob("*/stack.yml"))


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a stack's files are looked for, in rising precedence."""

    shared: tuple[Path, ...]
    own: tuple[Path, ...]
    registries: tuple[Path, ...]


def folders_of(project: Project) -> tuple[str, Folders]:
    """Name and folders of the project's stack: a bundled name, or a folder of templates.

    Raises:
        ProjectError: there is no such stack.
    """
    bundled = bundled_root()
    base, local = bundled / "sql_templates", project.root / "sql_templates"
    name = project.stack
    if name in bundled_stacks():
        own = (base / name, local / name)
        return name, Folders((base, local), own, (bundled / "registries" / name, project.root / "registries"))
    folder = project.root / name
    if (folder / "stack.yml").is_file():
        return folder.name, Folders((base, local), (folder,), (folder / "registries", project.root / "registries"))
    raise ProjectError(
        f'unknown stack "{name}" (stack in measure.toml, or --stack): neither bundled nor a folder with a stack.yml '
        f"below {project.root}",
        did_you_mean(name, bundled_stacks()),
    )


def load_stack(project: Project) -> Stack:
    """Read everything the project's stack declares.

    Raises:
        ProjectError: a file is malformed, a name is declared twice or does not fit.
    """
    name, folders = folders_of(project)
    head, declared = read_head(name, folders), Declared({}, {}, {})
    templates = {template.name: template for folder in folders.own for template in find_templates(folder)}
    singular = {
        file.stem: read_template(file, "audits", folder)
        for folder in folders.own
        for file in sorted((folder / "audits").glob("*.sql"))
    }
    for folder in folders.own:
        found = Declared({}, {}, {})
        for file in sorted(folder.rglob("*.yml")):
            if file.name != "stack.yml" and "example" not in file.relative_to(folder).parts:
                found.read(file, label_of(file, folder))
        declared.replace_by(found)
    check_docs(declared.docs, templates)
    return Stack(
        name=name,
        description=head.description,
        folder=folders.own[0],
        variables=head.variables,
        axes=head.axes,
        sources=declared.sources,
        registries=declared.registries,
        docs=declared.docs,
        templates=tuple(sorted(templates.values(), key=lambda template: (template.layer, template.name))),
        macro_files=tuple(
            file for folder in (*folders.shared, *folders.own) for file in sorted((folder / "macros").glob("*.sql"))
        ),
        audit_files={
            file.stem: file for folder in folders.shared for file in sorted((folder / "audits").glob("*.sql"))
        },
        singular_audits=tuple(singular.values()),
        registry_folders=folders.registries,
    )


def label_of(file: Path, folder: Path) -> str:
    """A file's name for messages: relative to its stack's folder, with forward slashes."""
    return f"{folder.name}/{file.relative_to(folder).as_posix()}"


def find_templates(folder: Path) -> Iterator[Template]:
    """The model templates of one folder: `<layer>/**/<model>.sql`."""
    if not folder.is_dir():
        return
    seen: dict[str, str] = {}
    for layer in sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in NOT_LAYERS):
        for file in sorted(layer.rglob("*.sql")):
            template = read_template(file, layer.name, folder)
            if not NAME.match(layer.name) or layer.name in TOOL_SCHEMAS:
                raise ProjectError(
                    f'{template.label}: "{layer.name}" cannot name a layer',
                    f"Use lower case letters, digits and _, and none of {', '.join(sorted(TOOL_SCHEMAS))}.",
                )
            if template.name in seen:
                raise ProjectError(
                    f'{template.label}: the model "{template.name}" stands already in {seen[template.name]}'
                )
            if not TEMPLATE_NAME.match(template.name) or template.name.endswith((STAGED_SUFFIX, BATCHES_SUFFIX)):
                raise ProjectError(
                    f'{template.label}: "{template.name}" cannot name a model',
                    f"Use lower case letters, digits and _, and do not end in {STAGED_SUFFIX} or {BATCHES_SUFFIX}.",
                )
            seen[template.name] = template.label
            yield template


def read_template(file: Path, layer: str, folder: Path) -> Template:
    """One template file as text."""
    label = label_of(file, folder)
    text = read_text(file, label)
    if not text.strip():
        raise ProjectError(f"{label}: is empty; a model is one SELECT")
    return Template(file.stem, layer, file, label, text)


@dataclass(frozen=True, slots=True)
class Head:
    """Content of stack.yml."""

    description: str
    variables: Mapping[str, Variable]
    axes: Mapping[str, Axis]


def read_head(name: str, folders: Folders) -> Head:
    """Read stack.yml: description, variables with defaults, axes."""
    file = folders.own[0] / "stack.yml"
    label = f"{name}/stack.yml"
    fields = Fields(read_yaml(file, label), Place(label, 1), "the stack")
    fields.text("name", name)
    description = fields.text("description")
    variables = {
        key: read_variable(key, values, Place(label, line_in(values))) for key, values in fields.mapping("vars").items()
    }
    axes = {}
    for axis, values in fields.mapping("axes").items():
        source = Fields(values, Place(label, line_in(values)), f'axis "{axis}"')
        axes[axis] = read_axis(source, axis, variables)
    fields.done()
    return Head(description, variables, axes)


def read_axis(source: Fields, axis: str, variables: Mapping[str, Variable]) -> Axis:
    """What an axis runs over: the values of a variable, or a fixed list."""
    values, variable = source.texts("values"), source.optional_text("var")
    source.done()
    if bool(values) == (variable is not None):
        raise ProjectError(f'{source.place}: axis "{axis}" needs either "var" or "values"')
    if variable is not None and variable not in variables:
        raise ProjectError(
            f'{source.place}: axis "{axis}" names the unknown variable "{variable}"', did_you_mean(variable, variables)
        )
    if variable is not None and not variables[variable].data_type.startswith("list["):
        raise ProjectError(f'{source.place}: axis "{axis}" needs a list, but the variable "{variable}" is none')
    return variable or values


def read_variable(name: str, values: Any, place: Place) -> Variable:
    """One entry under `vars`."""
    fields = Fields(values, place, f'variable "{name}"')
    data_type = fields.text("type")
    if data_type not in VARIABLE_TYPES:
        raise ProjectError(f'{place}: unknown type "{data_type}"', did_you_mean(data_type, VARIABLE_TYPES))
    default, description = fields.raw("default"), fields.text("description", " ").strip()
    variable = Variable(name, data_type, None, description, fields.number("min"), fields.number("max"))
    fields.done()
    if default is None:
        return variable
    return replace(variable, default=checked(variable, default, f'{place}: the default of variable "{name}"'))


@dataclass(frozen=True, slots=True)
class Declared:
    """What the schema files of a stack declare, gathered file by file."""

    sources: dict[str, SourceSpec]
    registries: dict[str, RegistrySpec]
    docs: dict[str, ModelDoc]

    def read(self, file: Path, label: str) -> None:
        """Add one schema file of a folder; within a folder each name stands once."""
        top = Fields(read_yaml(file, label) or {}, Place(label, 1), "the schema file")
        top.raw("version")
        for item in top.items("sources"):
            source = read_source_spec(item, label)
            keep_once(self.sources, source.name, source, label, "source")
        for item in top.items("registries"):
            registry = read_registry_spec(item, label)
            keep_once(self.registries, registry.name, registry, label, "registry")
        for item in top.items("models"):
            doc = read_doc(item, label)
            keep_once(self.docs, doc.name, doc, str(doc.place), "model")
        top.done()

    def replace_by(self, other: Declared) -> None:
        """Take over what another folder declares, in place of what has the same name here."""
        self.sources.update(other.sources)
        self.registries.update(other.registries)
        self.docs.update(other.docs)


def keep_once(known: dict[str, T], name: str, item: T, place: str, what: str) -> None:
    """Add an item whose name is new."""
    if name in known:
        raise ProjectError(f'{place}: the {what} "{name}" is declared already')
    known[name] = item


def read_column(item: Any, label: str) -> Column:
    """One column of a model, source or registry."""
    fields = Fields(item, Place(label, line_in(item)), "a column")
    name = fields.text("name")
    column = Column(
        name=name,
        data_type=fields.optional_text("data_type"),
        description=(fields.optional_text("description") or "").strip(),
        required=fields.flag("required"),
        optional=fields.flag("optional"),
        identifier=fields.flag("identifier"),
        accepted_values=tuple(str(value) for value in fields.items("accepted_values")),
        audits=tuple(read_audit(audit, label, fields.place, name) for audit in fields.items("data_tests")),
    )
    fields.done()
    return column


def read_columns(fields: Fields, label: str) -> tuple[Column, ...]:
    """The `columns` of something, each named once."""
    columns = tuple(read_column(item, label) for item in fields.items("columns"))
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise ProjectError(f'{fields.place}: {fields.what} declares the column "{name}" twice')
    return columns


def without_identifiers(columns: tuple[Column, ...], fields: Fields) -> tuple[Column, ...]:
    """The columns of anything but a source, where identifiers cannot be declared."""
    for column in columns:
        if column.identifier:
            raise ProjectError(
                f'{fields.place}: "identifier" on the column "{column.name}" of {fields.what}: only sources have it',
                "Mark the column of the source; what is computed from it is found by the tool.",
            )
    return columns


def read_source_spec(item: Any, label: str) -> SourceSpec:
    """One entry under `sources`."""
    fields = Fields(item, Place(label, line_in(item)), "a source")
    name, columns = fields.text("name"), read_columns(fields, label)
    check_types(columns, SOURCE_TYPES, fields)
    spec = SourceSpec(
        name=name,
        description=fields.text("description", " ").strip(),
        required=fields.flag("required"),
        columns=columns,
        required_any=tuple(tuple(group) for group in fields.items("required_any")),
        time_column=fields.optional_text("time_column"),
    )
    names = [column.name for column in columns]
    for group in spec.required_any:
        fields.refuse_unknown(group, names, '"required_any" names the unknown column')
    if spec.time_column is not None:
        fields.refuse_unknown([spec.time_column], names, '"time_column" names the unknown column')
        if columns[names.index(spec.time_column)].data_type not in TIME_TYPES:
            raise fields.wrong("time_column", spec.time_column, "a column of type timestamp or date")
    fields.done()
    return spec


def read_registry_spec(item: Any, label: str) -> RegistrySpec:
    """One entry under `registries`."""
    fields = Fields(item, Place(label, line_in(item)), "a registry")
    name, derived = fields.text("name"), Fields(fields.mapping("derived"), fields.place, "derived")
    columns = without_identifiers(read_columns(fields, label), fields)
    check_types(columns, REGISTRY_TYPES, fields)
    references = []
    for entry in fields.items("references"):
        reference = Fields(entry, fields.place, "a reference")
        references.append((reference.text("column"), reference.text("registry"), reference.text("ref_column")))
        reference.done()
    spec = RegistrySpec(
        name=name,
        description=fields.text("description", " ").strip(),
        columns=columns,
        key=fields.texts("key"),
        references=tuple(references),
        distinct=tuple(source_column(text, fields.place) for text in derived.texts("distinct")),
        excluding=tuple(source_column(text, fields.place) for text in derived.texts("except")),
    )
    names = [column.name for column in columns]
    fields.refuse_unknown(spec.key, names, '"key" names the unknown column')
    fields.refuse_unknown([column for column, _, _ in references], names, '"references" names the unknown column')
    derived.done()
    fields.done()
    return spec


def check_types(columns: Iterable[Column], known: Collection[str], fields: Fields) -> None:
    """Refuse types that inputs or registries cannot be read as."""
    for column in columns:
        data_type = (column.data_type or "varchar").split("(", maxsplit=1)[0].strip().lower()
        fields.refuse_unknown([data_type], known, f'the column "{column.name}" has the unknown type')


def source_column(text: str, place: Place) -> tuple[str, str]:
    """'spend.channel' -> ('spend', 'channel')."""
    source, dot, column = text.partition(".")
    if not dot:
        raise ProjectError(f'{place}: "{text}" must be written as source.column')
    return source, column


def read_doc(item: Any, label: str) -> ModelDoc:
    """One entry under `models`."""
    fields = Fields(item, Place(label, line_in(item)), "a model")
    doc = ModelDoc(
        name=fields.text("name"),
        place=fields.place,
        description=fields.text("description", " ").strip(),
        columns=without_identifiers(read_columns(fields, label), fields),
        audits=tuple(read_audit(audit, label, fields.place, None) for audit in fields.items("data_tests")),
    )
    fields.raw("config")
    fields.raw("meta")
    fields.done()
    return doc


def check_docs(docs: Mapping[str, ModelDoc], templates: Mapping[str, Template]) -> None:
    """Refuse documentation of models that do not exist."""
    for name, doc in docs.items():
        if name not in templates:
            raise ProjectError(f'{doc.place}: there is no model "{name}"', did_you_mean(name, templates))
