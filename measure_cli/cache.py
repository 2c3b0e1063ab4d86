"""Results of slow pure work, kept on disk by content: what an input file looks like, what a template compiles to.

Losing the cache costs time, never correctness: keys are hashes of everything the value depends on; of an input file
that is its path, size and modification time. A folder that cannot be written is no error.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

KEPT_UNUSED = 400


class Cache:
    """A JSON file of content hash -> value. `save` writes what was used, plus some of the older entries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "cache.json"
        self._old: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        self._dirty = False
        self.is_new = not self._file.exists()
        with contextlib.suppress(OSError, ValueError):
            content = json.loads(self._file.read_text(encoding="utf-8"))
            self._old = content if isinstance(content, dict) else {}

    def get(self, key: str) -> Any:
        """The value of a key, or None."""
        value = self._used.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self._used[key] = value
        return value

    def put(self, key: str, value: Any) -> None:
        """Remember a JSON value."""
        self._used[key] = value
        self._dirty = True

    def save(self) -> None:
        """Write the cache beside its old version and swap it in."""
        if not self._dirty:
            return
        unused = [key for key in self._old if key not in self._used][-KEPT_UNUSED:]
        content = {**{key: self._old[key] for key in unused}, **self._used}
        temporary = self._file.with_name(f"cache.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            (self._file.parent / ".gitignore").write_text("*\n", encoding="utf-8")
            temporary.write_text(json.dumps(content), encoding="utf-8")
            temporary.replace(self._file)
