"""measure.toml and command-line overrides -> Project. Reads files, touches nothing.

Secrets are refused here: they belong into the environment, not into a file that is committed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.fields import Fields, describe, parse_day
from measure_cli.kinds import PseudonymHash, SaltOrigin
from measure_cli.secrets import SALT_VARIABLE
from measure_cli.textfile import read_text
from measure_cli.types import Place, Privacy, Project, SourceInput, Target, Value

CONFIG_FILE = "measure.toml"
DEMO_AS_OF = date(2026, 7, 1)
SECRET_KEY = re.compile(r"pass(word|phrase)?$|secret|token|private_key|salt|api_?key", re.IGNORECASE)
LONGEST_WORD = 16  # a text that is longer is no misspelt word
USE_ENVIRONMENT = f"Leave the key out, and set {SALT_VARIABLE}."
SIZE = re.compile(r"\d+(\.\d+)? ?([KMGT](i?B)?|%)", re.IGNORECASE)
TARGET_KEYS: Mapping[str, Mapping[str, type[str] | type[int]]] = {
    "duckdb": {"path": str, "memory_limit": str, "threads": int, "temp_directory": str},
    "clickhouse": {"url": str, "cluster": str, "memory_limit": str, "threads": int},
    "snowflake": {
        **dict.fromkeys(("account", "user", "role", "warehouse", "database", "schema_prefix", "authenticator"), str),
        "host": str,
        "port": int,
        "protocol": str,
    },
}
NEEDED_KEYS: Mapping[str, tuple[str, ...]] = {"snowflake": ("account", "database"), "clickhouse": ("url",)}
SERVER_SCHEMES = ("clickhouse", "clickhouses", "http", "https")
URL_FORMS = "chdb:///path, clickhouse://user@host:8123/database or, with TLS, clickhouses://user@host:8443/database"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says over the file. `today` is the only reading of the clock that data depends on."""

    today: date
    project_dir: Path | None = None
    target: str | None = None
    stack: str | None = None
    as_of: str | None = None
    variables: tuple[str, ...] = field(default_factory=tuple)


def find_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds a measure.toml."""
    return next((folder for folder in (start, *start.parents) if (folder / CONFIG_FILE).is_file()), None)


def known_targets(overrides: Overrides) -> tuple[str, ...]:
    """The names that --target may have."""
    start = (overrides.project_dir or Path.cwd()).resolve()
    root = start if overrides.project_dir else find_root(start)
    if root is None or not (root / CONFIG_FILE).is_file():
        return ("local",)
    targets = read_toml(root / CONFIG_FILE)[1].get("targets")
    return tuple(targets) if isinstance(targets, Mapping) and targets else ("local",)


def load_project(overrides: Overrides) -> Project:
    """Read the project at or above the working directory; without one, the bundled demo project of a stack.

    Raises:
        ProjectError: unknown keys, wrong types, secrets, unknown targets.
    """
    start = overrides.project_dir or Path.cwd()
    if not start.is_dir():
        raise ProjectError(f"--project-dir {start}: no such folder")
    root = find_root(start.resolve()) if overrides.project_dir is None else start.resolve()
    if root is None or not (root / CONFIG_FILE).is_file():
        return demo_project(start.resolve(), overrides)
    return with_overrides(read_project(root, overrides), overrides)


def demo_as_of(overrides: Overrides) -> date:
    """Demo data ends on a fixed day unless told otherwise, so that everybody sees the same numbers."""
    return parse_day(overrides.as_of, "--as-of", "as_of") if overrides.as_of else DEMO_AS_OF


def demo_project(root: Path, overrides: Overrides) -> Project:
    """The project that runs where there is none: a bundled stack on demo data, in `warehouse/<stack>.duckdb`."""
    stack = overrides.stack or "starter"
    if overrides.target not in (None, "local"):
        raise ProjectError(
            f"--target {overrides.target}: there is no {CONFIG_FILE} here that declares it",
            'The demo has one target, "local".',
        )
    target = Target("local", "duckdb", {"path": f"warehouse/{stack}.duckdb"})
    project = Project("demo", root, stack, target, demo_as_of(overrides), {}, {}, is_demo=True)
    return with_overrides(project, overrides)


def with_overrides(project: Project, overrides: Overrides) -> Project:
    """Apply --stack, --as-of and --var."""
    texts = {}
    for pair in overrides.variables:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise ProjectError(f"--var {pair}: expected name=value")
        texts[name.strip()] = value.strip()
    as_of = parse_day(overrides.as_of, "--as-of", "as_of") if overrides.as_of else project.as_of
    return replace(project, stack=overrides.stack or project.stack, as_of=as_of, variable_texts=texts)


def read_project(root: Path, overrides: Overrides) -> Project:
    """Read and check measure.toml in `root`."""
    text, document = read_toml(root / CONFIG_FILE)
    place = Place(CONFIG_FILE)
    top = Fields(document, place, CONFIG_FILE, text)
    project = Fields(top.mapping("project"), place, "[project]", text)
    targets = {name: read_target(name, values, place, text) for name, values in top.mapping("targets").items()}
    sources = {name: read_source(name, values, place, text) for name, values in top.mapping("sources").items()}
    name, stack = project.text("name", root.name or "project"), project.text("stack", "starter")
    chosen = choose_target(project, targets, overrides.target, name)
    privacy = read_privacy(top.mapping("privacy"), place, text)
    as_of = project.day("as_of") or overrides.today
    variables = dict(top.mapping("vars"))
    project.done()
    top.done()
    return Project(name, root, stack, chosen, as_of, sources, variables, privacy=privacy, targets=targets)


def read_privacy(values: Any, place: Place, text: str) -> Privacy:
    """Check the [privacy] table. What stands at `salt` is not shown: it may be a salt."""
    fields = Fields(values, place, "[privacy]", text)
    hash_name = fields.text("hash", PseudonymHash.HMAC_SHA256)
    if hash_name not in list(PseudonymHash):
        raise ProjectError(f'{fields.at("hash")}: unknown hash "{hash_name}"', did_you_mean(hash_name, PseudonymHash))
    salt = fields.raw("salt", SaltOrigin.ENVIRONMENT)
    if salt not in list(SaltOrigin):
        raise ProjectError(
            f'{fields.at("salt")}: "salt" in [privacy] says where the salt comes from, "environment" or "demo"; '
            "a salt itself never stands in a file",
            did_you_mean(salt, SaltOrigin) if isinstance(salt, str) and len(salt) < LONGEST_WORD else USE_ENVIRONMENT,
        )
    fields.done()
    return Privacy(PseudonymHash(hash_name), SaltOrigin(salt), fields.at("salt"))


def read_toml(file: Path) -> tuple[str, dict[str, Any]]:
    """Text and content of a TOML file."""
    text = read_text(file, file.name)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else None
        shown = text.splitlines()[line - 1].strip() if line and line <= len(text.splitlines()) else ""
        raise ProjectError(
            f"{Place(file.name, line)}: is not valid TOML: {error}", f"  {shown}" if shown else None
        ) from None


def choose_target(project: Fields, targets: Mapping[str, Target], asked: str | None, name: str) -> Target:
    """The target asked for on the command line, named in the file, or the only one; else a local DuckDB."""
    in_file = project.optional_text("target")
    chosen = asked or in_file
    if not targets and chosen in (None, "local"):
        return Target("local", "duckdb", {"path": f"warehouse/{name}.duckdb"})
    if chosen is None:
        if len(targets) == 1:
            return next(iter(targets.values()))
        raise ProjectError(
            f"{project.place}: several targets are declared: {', '.join(targets)}",
            'Say which: target = "..." in [project], or --target.',
        )
    if chosen not in targets:
        where = "--target" if asked else str(project.at("target"))
        raise ProjectError(f'{where}: there is no target "{chosen}"', did_you_mean(chosen, targets))
    return targets[chosen]


def read_target(name: str, values: Any, place: Place, text: str) -> Target:
    """Check one [targets.<name>] table."""
    fields = Fields(values, place, f"[targets.{name}]", text)
    for key in values:
        if SECRET_KEY.search(key) or (key == "url" and re.search(r"//[^/@]*:[^/@]+@", str(values[key]))):
            raise ProjectError(
                f'{fields.at(key)}: "{key}" in [targets.{name}] holds a secret',
                f"Remove it; secrets are read from the environment only: {password_variable(name)}.",
            )
    kind = fields.text("type")
    if kind not in TARGET_KEYS:
        raise ProjectError(f'{fields.at("type")}: unknown target type "{kind}"', did_you_mean(kind, TARGET_KEYS))
    for key in NEEDED_KEYS.get(kind, ()):
        fields.text(key)
    settings: dict[str, Value] = {}
    for key, expected in TARGET_KEYS[kind].items():
        value = fields.raw(key)
        if value is None:
            continue
        if not isinstance(value, expected) or isinstance(value, bool):
            raise fields.wrong(key, value, "a text" if expected is str else "a whole number")
        if key == "threads" and isinstance(value, int) and value < 1:
            raise fields.wrong(key, value, "a whole number of at least 1")
        if key == "memory_limit" and not SIZE.fullmatch(str(value)):
            raise fields.wrong(key, value, "a size such as 4GB")
        if key == "memory_limit" and kind == "clickhouse" and str(value).endswith("%"):
            raise fields.wrong(key, value, "a size such as 4GB; a server has no share to give")
        if key == "url" and not is_clickhouse_url(str(value)):
            raise fields.wrong(key, value, URL_FORMS)
        settings[key] = value
    fields.done()
    if kind == "duckdb":
        settings.setdefault("path", f"warehouse/{name}.duckdb")
    return Target(name, kind, settings)


def password_variable(target: str) -> str:
    """The variable of the environment that holds the password of a target.

    >>> password_variable("my-ch")
    'MEASURE_MY_CH_PASSWORD'
    """
    return f"MEASURE_{re.sub(r'[^A-Z0-9]', '_', target.upper())}_PASSWORD"


def is_clickhouse_url(text: str) -> bool:
    """Whether a URL says where a ClickHouse is, and nothing else: settings and secrets have places of their own.

    >>> is_clickhouse_url("chdb:///data/acme"), is_clickhouse_url("clickhouse://ann@db:8123/shop")
    (True, True)
    >>> is_clickhouse_url("clickhouse://db:http"), is_clickhouse_url("clickhouse://db?user=ann")
    (False, False)
    """
    try:
        url = urlsplit(text)
        has_server = url.scheme in SERVER_SCHEMES and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    is_folder = url.scheme == "chdb" and bool(url.netloc + url.path.strip("/")) and "@" not in url.netloc
    names_one_database = url.path.strip("/").count("/") == 0
    return not (url.query or url.fragment) and (is_folder or (has_server and names_one_database))


def read_source(name: str, values: Any, place: Place, text: str) -> SourceInput:
    """Check one [sources.<name>] table."""
    fields = Fields(values, place, f"[sources.{name}]", text)
    path, table = fields.optional_text("path"), fields.optional_text("table")
    if (path is None) == (table is None):
        raise ProjectError(f'{fields.place}: [sources.{name}] needs either "path" or "table", and only one of them')
    renames = fields.mapping("columns")
    for column, found in renames.items():
        if not isinstance(found, str) or not found:
            raise ProjectError(
                f'{fields.at("columns")}: "{column}" in the columns of [sources.{name}] must be the name of a column '
                f"of the input, found {describe(found)}"
            )
    where = fields.optional_text("where")
    fields.done()
    return SourceInput(name, fields.place, path, table, dict(renames), where)
