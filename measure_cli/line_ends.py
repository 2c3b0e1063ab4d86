"""Where a text file changes from one kind of line end to another: DuckDB refuses such a file and does not say where."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

NAMES = {b"\n": "LF", b"\r\n": "CRLF", b"\r": "CR"}


def change_of_line_end(file: Path) -> str | None:
    """The first line that does not end like the first one.

    What stands within quotes is a value and no line end. None where there is no such line, or the file cannot be read
    as text; what is packed with zstd is not looked into.
    """
    if file.suffix.lower() == ".zst":
        return None
    try:
        with gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb") as opened:
            return first_change(line_ends(opened))
    except (OSError, EOFError, UnicodeError, zlib.error):
        return None


def first_change(ends: Iterator[tuple[int, bytes]]) -> str | None:
    """The first line end that is not like the first of all."""
    _, expected = next(ends, (0, b""))
    for number, end in ends:
        if end != expected:
            return f"line {number} ends in {NAMES[end]}, the lines before it in {NAMES[expected]}"
    return None


def line_ends(opened: BinaryIO | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
    """Every line end that stands outside of quotes, with the number of its line.

    Raises:
        UnicodeError: the file is no text.
    """
    within, number = False, 0
    for line in opened:  # up to and with its LF
        if "\0" in line.decode():
            raise UnicodeError
        pieces = line.split(b'"')
        for index, piece in enumerate(pieces):
            quoted = within != bool(index % 2)
            for part in piece.splitlines(keepends=True):
                end = part[len(part.rstrip(b"\r\n")) :]
                number += bool(end)
                if end and not quoted:
                    yield number, end
        within = within != bool((len(pieces) - 1) % 2)
