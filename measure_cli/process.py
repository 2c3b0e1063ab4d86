"""The process of the console script: what Python spends on its own memory, which the system takes back at the end.

A command makes many objects, and nearly all of them live until it ends. To look for garbage among them every now and
then, and to take them apart one by one at the end, takes longer than many a command has to do.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable

NEW_OBJECTS = 100_000  # between two looks for garbage; Python's own 700 are for programs that run long


def run(app: Callable[[], object]) -> None:
    """Run a command line, which leaves with `SystemExit`."""
    gc.set_threshold(NEW_OBJECTS)
    ending = Ending()
    atexit.register(ending)
    try:
        app()
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            ending.code = left.code or 0
        raise


class Ending:
    """Ends the process where Python would begin to take its objects apart.

    It is the first to be registered, so it runs last: threads have ended, and all others have cleaned up. Without a
    code, as after an error that nobody expected, the process ends as usual.
    """

    def __init__(self) -> None:
        self.code: int | None = None

    def __call__(self) -> None:
        """Flush both streams and leave; a stream that takes nothing more decides the code."""
        if self.code is None:
            return
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except SystemExit as lost:
            self.code = int(lost.code or 0)
        os._exit(self.code)
