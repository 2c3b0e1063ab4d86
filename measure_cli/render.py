"""Jinja templates -> SQL in the DuckDB dialect, with the vocabulary of the template language.

Rendering records what a template refers to. It knows nothing of engines: `ref` and `source` write placeholders of two
pseudo schemas, which planning replaces by physical names.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

import jinja2
from jinja2.ext import do as do_extension

from measure_cli.batches import BATCH_AS_OF, BATCH_END, BATCH_STAGE, BATCH_START, REST
from measure_cli.errors import MeasureError, ProjectError, did_you_mean
from measure_cli.model_config import TemplateCallError, read_config
from measure_cli.sqltext import literal
from measure_cli.textfile import read_text
from measure_cli.types import REF_SCHEMA, SOURCE_SCHEMA, ModelConfig, Registry, Row, Stack, Template, Value

SECRET_NAME = re.compile(r"SALT|PASSWORD|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|API_?KEY", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What templates may know of the project: values of variables, registries, which sources and columns are there."""

    stack: Stack
    as_of: date
    variables: Mapping[str, Any]
    registries: Mapping[str, Registry]
    source_columns: Mapping[str, frozenset[str]]


@dataclass(slots=True)
class Rendered:
    """One rendered template and what it referred to, in order of first use."""

    name: str
    template: Template
    axes: Mapping[str, Any] = field(default_factory=dict)
    sql: str = ""
    config: ModelConfig = field(default_factory=ModelConfig)
    refs: dict[str, None] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)

    def locate(self, rendered_line: int) -> str:
        """Place in the template of a line of the rendered SQL: exact if no line was added, or if it stands once."""
        lines, source = self.sql.splitlines(), self.template.text.splitlines()
        if not 1 <= rendered_line <= len(lines):
            return self.template.label
        if len(lines) == len(source):
            return f"{self.template.label}:{rendered_line}"
        text = lines[rendered_line - 1].strip()
        places = [i for i, line in enumerate(source, start=1) if line.strip() == text and text]
        if len(places) == 1:
            return f"{self.template.label}:{places[0]}"
        return f"{self.template.label} (line {rendered_line} of its SQL: {text[:80]})"

    def place_of(self, word: str) -> str:
        """Place in the template where a word first stands; the template when it comes from elsewhere."""
        lines = self.template.text.splitlines()
        line = next((number for number, line in enumerate(lines, start=1) if word in line), None)
        return f"{self.template.label}:{line}" if line else self.template.label


class RegistryRow(dict[str, Value]):
    """A row of a registry, as templates see it: `row.column`; an unknown column is an error that suggests one."""

    def __init__(self, registry: str, row: Row) -> None:
        super().__init__(row)
        self._registry = registry

    def __missing__(self, column: str) -> NoReturn:
        raise TemplateCallError(f'the registry {self._registry} has no column "{column}"', did_you_mean(column, self))


class Renderer:
    """Renders the templates of one stack. One at a time: the functions record into the template being rendered."""

    def __init__(self, inputs: Inputs, relation_names: Iterable[str], compiled_folder: Path | None = None) -> None:
        """`relation_names`: all that `ref` accepts; `compiled_folder` keeps compiled templates between runs."""
        self._bytecode = bytecode_cache(compiled_folder)
        self._inputs = inputs
        self._known = frozenset(relation_names)
        self._current: Rendered | None = None
        self._is_batched = False
        self._batch: dict[str, Any] = {"stage": self._stage}
        self._env = jinja2.Environment(
            undefined=jinja2.StrictUndefined, extensions=[do_extension], keep_trailing_newline=True, autoescape=False
        )
        self._env.globals.update(self._vocabulary())
        self._labels: dict[str, tuple[str, str]] = {}
        self._compiled: dict[str, jinja2.Template] = {}
        for file in inputs.stack.macro_files:
            self._load_macros(file)

    def render(
        self,
        template: Template,
        name: str,
        axes: Mapping[str, Any],
        extra: Mapping[str, Any] | None = None,
        batched: bool = False,
    ) -> Rendered:
        """Render one template as the relation `name`; `batched`: for an interval whose bounds are bound later.

        Raises:
            ProjectError: names file and line, shows the line, and suggests the nearest known name.
        """
        self._current = rendered = Rendered(name, template, axes)
        self._is_batched = batched
        self._batch.update(batch_bounds(batched, self._inputs.as_of))
        self._labels[str(template.file)] = (template.label, template.text)
        context = {**axes, "this": f"{REF_SCHEMA}.{name}", **(extra or {})}
        try:
            rendered.sql = self._compile(template).render(context)
        except MeasureError:
            raise
        except Exception as error:  # Jinja lets any exception of an expression through
            raise explain(error, template, self._labels, self._env.globals) from error
        return rendered

    def _compile(self, template: Template) -> jinja2.Template:
        key = str(template.file)
        if key not in self._compiled:
            self._compiled[key] = jinja2.Template.from_code(
                self._env, self._code(template.text, key), self._env.globals
            )
        return self._compiled[key]

    def _code(self, text: str, file: str) -> CodeType:
        if self._bytecode is None:
            return self._env.compile(text, filename=file)
        bucket = self._bytecode.get_bucket(self._env, file, file, text)
        if bucket.code is None:
            bucket.code = self._env.compile(text, filename=file)
            with contextlib.suppress(OSError):
                self._bytecode.set_bucket(bucket)
        return bucket.code

    def _load_macros(self, file: Path) -> None:
        label = f"{file.parent.parent.name}/macros/{file.name}"
        text = read_text(file, label)
        self._labels[str(file)] = (label, text)
        template = Template(file.stem, "macros", file, label, text)
        try:
            module = self._compile(template).make_module(
                self._env.globals, shared=True
            )  # live: macros see those of later files
        except Exception as error:  # Jinja lets any exception of an expression through
            raise explain(error, template, self._labels, self._env.globals) from error
        for name, value in vars(module).items():
            if isinstance(value, jinja2.runtime.Macro):
                self._env.globals[name] = value

    # -- the vocabulary ---------------------------------------------------------------------------------------------

    def _vocabulary(self) -> dict[str, Any]:
        return {
            "config": self._config,
            "ref": self._ref,
            "source": self._source,
            "var": self._var,
            "env_var": env_var,
            "registry": self._registry,
            "has_source": lambda name: self._declared(name) in self._inputs.source_columns,
            "has_column": lambda source, column: column in self._inputs.source_columns.get(self._declared(source), ()),
            "as_of": f"CAST('{self._inputs.as_of.isoformat()}' AS DATE)",
            "is_incremental": lambda: self._is_batched,
            "batch": self._batch,
            "literal": literal,
            "raise_error": raise_error,
        }

    def _config(self, **arguments: Any) -> str:
        assert self._current is not None
        self._current.config = read_config(arguments)
        return ""

    def _stage(self, expression: str) -> str:
        assert self._current is not None
        stages = self._current.config.stages
        if not stages:
            raise TemplateCallError("batch.stage: the model has no stages", 'config takes "stage_by" and "stages".')
        return stage_condition(expression, stages) if self._is_batched else "TRUE"

    def _ref(self, name: str) -> str:
        if name not in self._known:
            raise TemplateCallError(
                f'ref("{name}"): there is no such model or registry', did_you_mean(str(name), self._known)
            )
        if self._current is not None:
            self._current.refs[name] = None
        return f"{REF_SCHEMA}.{name}"

    def _source(self, name: str) -> str:
        self._declared(name)
        if self._current is not None:
            self._current.sources[name] = None
        return f"{SOURCE_SCHEMA}.{name}"

    def _declared(self, name: str) -> str:
        if name not in self._inputs.stack.sources:
            raise TemplateCallError(f'there is no source "{name}"', did_you_mean(str(name), self._inputs.stack.sources))
        return name

    def _var(self, name: str) -> Any:
        if name not in self._inputs.variables:
            raise TemplateCallError(
                f'var("{name}"): there is no such variable', did_you_mean(str(name), self._inputs.variables)
            )
        return self._inputs.variables[name]

    def _registry(self, name: str) -> list[dict[str, Any]]:
        if name not in self._inputs.registries:
            known = self._inputs.registries
            raise TemplateCallError(f'registry("{name}"): there is no such registry', did_you_mean(str(name), known))
        if self._current is not None:
            self._current.refs[name] = None
        return [RegistryRow(name, row) for row in self._inputs.registries[name].rows]


def explain(
    error: Exception, template: Template, labels: Mapping[str, tuple[str, str]], names: Iterable[str]
) -> ProjectError:
    """What went wrong in a template: file, line, the line itself, and the nearest of the known names.

    `labels` holds label and text of every template and macro file by its path.
    """
    file, line = place_of(error, template, labels)
    label, text = labels.get(file, (template.label, template.text))
    lines = text.splitlines()
    shown = f"  {line} | {lines[line - 1].strip()}" if line and line <= len(lines) else None
    caller = f"  called from {template.label}{calling_line(error, template)}" if label != template.label else None
    hints = [hint for hint in (shown, caller, suggestion(error, names)) if hint]
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    return ProjectError(f"{label}{f':{line}' if line else ''}: {message}", "\n".join(hints) or None)


def calling_line(error: Exception, template: Template) -> str:
    """`:line` of the template on the way to an error inside of a macro."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(template.file):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line


def place_of(error: Exception, template: Template, labels: Mapping[str, tuple[str, str]]) -> tuple[str, int | None]:
    """File and line of a template error: the innermost frame of the traceback that lies in a template."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return str(error.filename or template.file), error.lineno
    place: tuple[str, int | None] = (str(template.file), None)
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file in labels:
            place = (file, trace.tb_lineno)
        trace = trace.tb_next
    return place


def suggestion(error: Exception, names: Iterable[str]) -> str | None:
    """What the name could have been."""
    if isinstance(error, TemplateCallError):
        return error.hint
    if isinstance(error, jinja2.UndefinedError) and (found := re.search(r"'([^']+)' is undefined", str(error))):
        return did_you_mean(found.group(1), names)
    return None


def bytecode_cache(folder: Path | None) -> jinja2.FileSystemBytecodeCache | None:
    """Jinja's own cache of compiled templates, keyed by their text; None where the folder cannot be made."""
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return jinja2.FileSystemBytecodeCache(str(folder))


def env_var(name: str, default: str | None = None) -> str:
    """Value of an environment variable; without a default it has to be set. Secrets never become part of SQL text."""
    if SECRET_NAME.search(name):
        raise TemplateCallError(
            f"env_var: {name} looks like a secret; SQL text is stored and shown, so it must not hold one"
        )
    value = os.environ.get(name, default)
    if value is None:
        raise TemplateCallError(f"the environment variable {name} is not set")
    return value


def raise_error(message: str) -> NoReturn:
    """Stop with a template error."""
    raise TemplateCallError(message)


def stage_condition(expression: str, stages: Iterable[str]) -> str:
    """A condition that holds for the rows of one stage, which is bound later: the text is the same for all of them."""
    listed = ", ".join(map(literal, stages))
    value = f"CASE WHEN ({expression}) IN ({listed}) THEN ({expression}) ELSE {literal(REST)} END"
    return f"{value} IN (${BATCH_STAGE})"


def batch_bounds(batched: bool, as_of: date) -> dict[str, str]:
    """`batch` for a template: placeholders of an interval, or all of time up to `as_of`.

    `as_of` stands in it as a placeholder, too: as a literal it would make a model another one each day.
    """
    bound = {"start": f"${BATCH_START}", "end": f"${BATCH_END}", "as_of": f"${BATCH_AS_OF}"}
    whole = {"start": "'0001-01-01 00:00:00'", "end": f"'{as_of}'", "as_of": f"'{as_of}'"}
    return {name: f"CAST({moment} AS TIMESTAMP)" for name, moment in (bound if batched else whole).items()}
