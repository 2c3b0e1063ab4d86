"""stdout and stderr of the process, whoever reads them.

A closed stream goes to nowhere. A reader of stdout that leaves ends the program like any other one in a pipe, and a
stdout that takes nothing more is an error. Narration never stops a run: what stderr does not take is lost.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

STDOUT = 1
READER_LEFT = 128 + 13  # what a shell reports of a program that SIGPIPE ended


class Stream(io.TextIOWrapper):
    """One stream of the process; characters that its encoding lacks are written out."""

    def __init__(self, number: int, given: TextIO) -> None:
        raw = given.buffer
        whole = (
            io.BufferedWriter(raw) if isinstance(raw, io.RawIOBase) else raw
        )  # raw ones may write a part (python -u)
        super().__init__(whole, given.encoding, "backslashreplace", line_buffering=True)
        self._number = number

    def write(self, text: str, /) -> int:
        """Write, or deal with a stream that takes nothing more."""
        try:
            return super().write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Pass on what was written, or deal with a stream that takes nothing more."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        nowhere(self._number)  # for what is still in the buffer
        if self._number != STDOUT:
            return
        if isinstance(error, BrokenPipeError):
            raise SystemExit(READER_LEFT) from None
        sys.stderr.write(f"error: stdout cannot be written: {error.strerror}; the output is not complete\n")
        raise SystemExit(1) from None


def guard() -> None:
    """Put guarded streams in the place of those of the process, devnull in the place of closed ones."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # left closed, the next file that is opened would take its place
            nowhere(number)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123  (open as long as the process)
    sys.stdout = guarded(STDOUT, sys.stdout)
    sys.stderr = guarded(2, sys.stderr)


def guarded(number: int, given: TextIO | None) -> TextIO:
    """A stream that deals with its own failures."""
    return Stream(number, given) if given else open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def nowhere(number: int) -> None:
    """Let a file descriptor of the process read nothing and write to nowhere."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
