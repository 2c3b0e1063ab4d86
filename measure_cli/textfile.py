"""Text files that people wrote: UTF-8, or an error that names the file."""

from __future__ import annotations

from pathlib import Path

from measure_cli.errors import ProjectError


def read_text(file: Path, label: str) -> str:
    """Content of a text file; `label` names it in messages.

    Raises:
        ProjectError: the file cannot be read, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{label}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ProjectError(f"{label}: cannot be read: {error.strerror}") from None
