"""Checked access to mappings that people wrote (TOML, YAML): each mistake names file, key, what was found and expected.

`Fields` hands out typed values and remembers which keys were asked for, so that `done()` can refuse the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.types import Place


class Fields:
    """One mapping of a file, read key by key."""

    def __init__(self, values: Any, place: Place, what: str, text: str | None = None) -> None:
        """`what` names the mapping in messages; `text`, the file's text, allows to point at the line of a key."""
        self._text = text
        self._path = what.strip("[]") + "." if what.startswith("[") else ""
        self.what = what
        self.place = Place(place.file, place.line or (line_of(text, self._path.rstrip(".")) if text else None))
        if not isinstance(values, Mapping):
            raise ProjectError(f"{self.place}: {what} must be a table of keys and values, found {describe(values)}")
        self._values: Mapping[str, Any] = values
        self._asked: set[str] = set()

    def at(self, key: str) -> Place:
        """Place of a key: its own line when the text is known, else the line of the mapping."""
        line = line_of(self._text, self._path + key) if self._text else None
        return Place(self.place.file, line or self.place.line)

    def raw(self, key: str, default: Any = None) -> Any:
        """The value as it is."""
        self._asked.add(key)
        return self._values.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        """A non-empty text; without a default the key is required."""
        value = self.optional_text(key)
        if value is None:
            if default is None:
                raise ProjectError(f'{self.place}: {self.what} needs the key "{key}"')
            return default
        return value

    def optional_text(self, key: str) -> str | None:
        """A non-empty text, or None when the key is absent."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, value, "a text")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """true or false."""
        value = self.raw(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def day(self, key: str) -> date | None:
        """A calendar day, written as a TOML date or as text 'YYYY-MM-DD'."""
        value = self.raw(key)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        return parse_day(value, str(self.at(key)), key)

    def number(self, key: str) -> float | None:
        """A number, or None when the key is absent."""
        value = self.raw(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.wrong(key, value, "a number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single text counts as a list of one."""
        value = self.raw(key, [])
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
            raise self.wrong(key, value, "a list of texts")
        return tuple(items)

    def items(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self.raw(key)
        if value is not None and not isinstance(value, list):
            raise self.wrong(key, value, "a list")
        return value or []

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A table of keys and values; empty when the key is absent."""
        value = self.raw(key)
        if value is not None and not isinstance(value, Mapping):
            raise self.wrong(key, value, "a table of keys and values")
        return value or {}

    def rest(self) -> dict[str, Any]:
        """Every key not asked for so far; they count as asked for."""
        rest = {key: value for key, value in self._values.items() if key not in self._asked}
        self._asked.update(rest)
        return rest

    def refuse_unknown(self, names: Iterable[str], known: Collection[str], what: str) -> None:
        """Refuse names that are none of the known ones."""
        for name in names:
            if name not in known:
                raise ProjectError(f'{self.place}: {what} "{name}"', did_you_mean(name, known))

    def wrong(self, key: str, value: Any, expected: str) -> ProjectError:
        """The error for a value of the wrong type."""
        return ProjectError(f'{self.at(key)}: "{key}" in {self.what} must be {expected}, found {describe(value)}')

    def done(self) -> None:
        """Refuse the keys nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                raise ProjectError(
                    f'{self.at(str(key))}: unknown key "{key}" in {self.what}', did_you_mean(str(key), self._asked)
                )


def describe(value: Any) -> str:
    """A value in words, for messages: its type and, when it is short, itself.

    >>> describe("x"), describe(3), describe([1])
    ("the text 'x'", 'the number 3', 'the list [1]')
    """
    names = {bool: "the flag", str: "the text", int: "the number", float: "the number", list: "the list"}
    if value is None:
        return "nothing"
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
    return f"{names.get(type(value), 'the value')} {shown}"


def parse_day(value: Any, where: str, what: str) -> date:
    """A day from text 'YYYY-MM-DD'."""
    try:
        return strict_day(value)
    except (TypeError, ValueError):
        raise ProjectError(f'{where}: "{what}" must be a day such as 2025-06-30, found {describe(value)}') from None


def strict_day(text: str) -> date:
    """A day written as YYYY-MM-DD and in no other way.

    Raises:
        ValueError: it is written in another way (`20250301`, `2025-W09-6`), or there is no such day.
    """
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(text)
    return day


def line_of(text: str, path: str) -> int | None:
    r"""Line (from 1) of a TOML text on which a dotted key begins, whether as a header, as a key or as part of one.

    >>> line_of("[a.b]\nc = 1\n[d]\ne.f = 2", "a.b.c"), line_of("[d]\ne.f = 2", "d.e"), line_of("[d]", "c")
    (2, 2, None)
    """
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip().replace('"', "").replace("'", "")
        if stripped.startswith("["):
            name = table = stripped.lstrip("[").partition("]")[0].strip()
        else:
            key = stripped.partition("=")[0].strip()
            name = f"{table}.{key}" if table else key
        if path and (name == path or name.startswith(f"{path}.")):
            return number
    return None
