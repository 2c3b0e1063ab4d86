"""What the tool compiled for one project of a test run, handed on to the next project of the same stack.

Compiling its templates is most of a bundled stack's first build. The cache keeps what comes of it by content, so a
project that starts with an older one's compiles only what is new in it. Tests that are about a first run do not ask.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

from tests.build.workshop import CACHE

_CACHES: defaultdict[str, list[Path]] = defaultdict(list)


def hand_on(stack: str, folder: Path) -> Path:
    """Give a project, which need not be there yet, what the one before it compiled, and remember it for the next."""
    cache = folder / CACHE
    before = next((file for file in reversed(_CACHES[stack]) if file.exists()), None)
    if before and not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(before, cache)
    _CACHES[stack].append(cache)
    return folder
