"""CSV registries -> typed rows, with keys, references and allowed values checked before anything runs.

A derived registry without a CSV gets one row per distinct value that was found in the inputs: (name, slug).
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.fields import strict_day
from measure_cli.types import Column, Registry, RegistrySpec, Row, Stack, Value

FALSE_TRUE = {"false": False, "true": True}


def load_registries(
    stack: Stack, root: Path, distinct_values: Mapping[tuple[str, str], Collection[str]]
) -> dict[str, Registry]:
    """Every registry of a stack.

    `distinct_values` holds, for each (source, column) that a derived registry names, the values found in the input;
    an absent
    optional source has none.

    Raises:
        ProjectError: names file and line, what was found and what was expected.
    """
    check_known(stack, root)
    for spec in stack.registries.values():
        check_derived(spec, stack)
    registries = {
        name: load_registry(spec, find_file(name, stack.registry_folders), root, distinct_values)
        for name, spec in stack.registries.items()
    }
    for registry in registries.values():
        check_references(registry, registries)
    return registries


def check_known(stack: Stack, root: Path) -> None:
    """Refuse files in the project's own folder that replace nothing: a misspelt name would be ignored."""
    for file in sorted((root / "registries").glob("*.csv")):
        if file.stem not in stack.registries:
            raise ProjectError(
                f'{label_of(file, root)}: the stack {stack.name} has no registry "{file.stem}"',
                did_you_mean(file.stem, stack.registries),
            )


def check_derived(spec: RegistrySpec, stack: Stack) -> None:
    """A registry is derived from columns that sources declare."""
    for source, column in (*spec.distinct, *spec.excluding):
        if source not in stack.sources:
            raise ProjectError(
                f'registry {spec.name} is derived from the unknown source "{source}"',
                did_you_mean(source, stack.sources),
            )
        columns = [known.name for known in stack.sources[source].columns]
        if column not in columns:
            raise ProjectError(
                f'registry {spec.name} is derived from the unknown column "{column}" of source {source}',
                did_you_mean(column, columns),
            )


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """The registry's CSV of highest precedence: the project's own folder is the last one."""
    files = [folder / f"{name}.csv" for folder in folders]
    return next((file for file in reversed(files) if file.is_file()), None)


def load_registry(
    spec: RegistrySpec, file: Path | None, root: Path, distinct_values: Mapping[tuple[str, str], Collection[str]]
) -> Registry:
    """One registry from its CSV or, without one, from the values found in the inputs."""
    if file is not None:
        label = label_of(file, root)
        rows = read_rows(spec, file, label)
        if spec.distinct:
            check_covers(spec, rows, label, distinct_values)
    elif spec.distinct:
        label = f"{spec.name} (derived from the inputs)"
        rows = derive_rows(spec, distinct_values)
    else:
        raise ProjectError(f"registry {spec.name}: there is no registries/{spec.name}.csv")
    fingerprint = hashlib.sha256(json.dumps(rows, sort_keys=True, default=str).encode()).hexdigest()
    return Registry(spec, tuple(rows), fingerprint, label)


def label_of(file: Path, root: Path) -> str:
    """A registry file's name for messages."""
    return (
        file.relative_to(root).as_posix() if file.is_relative_to(root) else f"registries/{file.parent.name}/{file.name}"
    )


def read_rows(spec: RegistrySpec, file: Path, label: str) -> list[Row]:
    """Typed rows of a CSV, checked against the declared columns, allowed values and key."""
    lines = read_lines(file, label)
    header = lines[0][1] if lines else None
    check_header(spec, header, label)
    rows: list[Row] = []
    seen: dict[tuple[Value, ...], int] = {}
    for line, cells in lines[1:]:
        row = typed_row(spec, header or [], cells, f"{label}:{line}")
        key = tuple(row[column] for column in spec.key)
        if spec.key and key in seen:
            shown = ", ".join(f"{column} = {value!r}" for column, value in zip(spec.key, key, strict=True))
            raise ProjectError(f"{label}:{line}: the key {shown} stands already on line {seen[key]}")
        seen[key] = line
        rows.append(row)
    return rows


def read_lines(file: Path, label: str) -> list[tuple[int, list[str]]]:
    """The cells of every line of a CSV that holds something, with the line's number."""
    lines: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    lines.append((begins, cells))
                begins = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ProjectError(f"{label}: is not UTF-8 text (byte {error.start})") from None
    except csv.Error as error:
        raise ProjectError(f"{label}:{begins}: is not valid CSV: {error}") from None
    except OSError as error:
        raise ProjectError(f"{label}: cannot be read: {error.strerror}") from None
    return lines


def check_header(spec: RegistrySpec, header: list[str] | None, label: str) -> None:
    """Refuse unknown, repeated and missing columns."""
    if header is None:
        raise ProjectError(
            f"{label}: is empty; expected the columns {', '.join(column.name for column in spec.columns)}"
        )
    known = [column.name for column in spec.columns]
    for name in header:
        if name not in known:
            raise ProjectError(f'{label}:1: unknown column "{name}"', did_you_mean(name, known))
        if header.count(name) > 1:
            raise ProjectError(f'{label}:1: the column "{name}" stands twice')
    for column in spec.columns:
        if column.required and column.name not in header:
            raise ProjectError(f'{label}:1: the column "{column.name}" is missing', f"Found: {', '.join(header)}.")


def typed_row(spec: RegistrySpec, header: list[str], cells: list[str], place: str) -> Row:
    """One row with every declared column, absent ones as None."""
    if len(cells) != len(header):
        raise ProjectError(f"{place}: {len(cells)} values for {len(header)} columns")
    found = dict(zip(header, cells, strict=True))
    return {column.name: typed_value(column, found.get(column.name, "").strip(), place) for column in spec.columns}


def typed_value(column: Column, text: str, place: str) -> Value:
    """One cell as its declared type; an empty cell is None."""
    if not text:
        if column.required:
            raise ProjectError(f'{place}: "{column.name}" is empty; it needs a value')
        return None
    if column.accepted_values and text not in column.accepted_values:
        expected = " or ".join(column.accepted_values)
        raise ProjectError(
            f'{place}: "{column.name}" is {text!r}, expected {expected}', did_you_mean(text, column.accepted_values)
        )
    read = READERS.get((column.data_type or "varchar").split("(")[0].lower(), str)
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ProjectError(f'{place}: "{column.name}" is {text!r}, expected {column.data_type}') from None


def read_whole(text: str) -> int:
    """A whole number of 64 bits; Python would also take `1_000`."""
    number = int(text)
    if "_" in text or not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def read_number(text: str) -> float:
    """A finite number; Python would also take `nan` and `1_000`."""
    number = float(text)
    if "_" in text or not math.isfinite(number):
        raise ValueError(text)
    return number


def read_day(text: str) -> str:
    """A day, kept as text 'YYYY-MM-DD' once it is known to be one."""
    return strict_day(text).isoformat()


READERS: Mapping[str, Callable[[str], Value]] = {
    "bigint": read_whole,
    "integer": read_whole,
    "double": read_number,
    "boolean": lambda text: FALSE_TRUE[text.lower()],
    "date": read_day,
}


def check_references(registry: Registry, registries: Mapping[str, Registry]) -> None:
    """Every value of a referencing column stands in the registry it names."""
    for column, other, other_column in registry.spec.references:
        if other not in registries:
            raise ProjectError(
                f'{registry.place}: "{column}" refers to the unknown registry "{other}"',
                did_you_mean(other, registries),
            )
        columns = [known.name for known in registries[other].spec.columns]
        if other_column not in columns:
            raise ProjectError(
                f'{registry.place}: "{column}" refers to the unknown column "{other_column}" of registry {other}',
                did_you_mean(other_column, columns),
            )
        known = {str(row[other_column]) for row in registries[other].rows}
        for number, row in enumerate(registry.rows, start=1):
            value = row[column]
            if value is not None and str(value) not in known:
                raise ProjectError(
                    f'{registry.place}: row {number} below the header: "{column}" is {value!r}, '
                    f"which {other}.{other_column} does not hold",
                    did_you_mean(str(value), known),
                )


def check_covers(
    spec: RegistrySpec, rows: list[Row], label: str, distinct_values: Mapping[tuple[str, str], Collection[str]]
) -> None:
    """A pinned registry holds every value of the source columns it stands for: an unmapped channel is an error."""
    names = {str(row["name"]) for row in rows}
    excluded = {value for pair in spec.excluding for value in distinct_values.get(pair, ())}
    for source, column in spec.distinct:
        for value in sorted(distinct_values.get((source, column), ())):
            if value not in names and value not in excluded:
                raise ProjectError(
                    f'source {source}, column {column}: "{value}" has no row in {label}', did_you_mean(value, names)
                )


def derive_rows(spec: RegistrySpec, distinct_values: Mapping[tuple[str, str], Collection[str]]) -> list[Row]:
    """(name, slug) for every distinct value, in the order of the names; slugs are unique."""
    names = {value for pair in spec.distinct for value in distinct_values.get(pair, ())}
    names -= {value for pair in spec.excluding for value in distinct_values.get(pair, ())}
    rows: list[Row] = []
    taken: set[str] = set()
    for name in sorted(names):
        slug = unique_slug(name, taken)
        taken.add(slug)
        rows.append({"name": name, "slug": slug})
    return rows


def unique_slug(name: str, taken: Collection[str]) -> str:
    """An identifier for a name: `Paid Search` -> `paid_search`; a number is added when it is taken already.

    >>> unique_slug("Café + Bar", set()), unique_slug("a-b", {"a_b"}), unique_slug("日本", set())
    ('cafe_bar', 'a_b_2', 'x')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40] or "x"
    candidate, number = slug, 2
    while candidate in taken:
        candidate, number = f"{slug}_{number}", number + 1
    return candidate
