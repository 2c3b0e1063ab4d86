"""The end of the process: early, but never before what is registered has run and what was written is out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.build.workshop import process_environment

PROGRAM = """
import atexit, sys, threading, time
from measure_cli.process import run

class Late:
    def __del__(self):
        sys.stdout.write("objects taken apart\\n")
        sys.stdout.flush()

late = Late()

def app():
    atexit.register(sys.stdout.write, "cleaned up\\n")
    threading.Thread(target=lambda: (time.sleep(0.2), sys.stdout.write("thread ended\\n"))).start()
    {ends}

run(app)
"""
IN_ORDER = ["thread ended", "cleaned up"]


def ended(ends: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(ends=ends)],
        env=process_environment({"PYTHONUNBUFFERED": ""}),
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(("ends", "code"), [("sys.exit(3)", 3), ("sys.exit()", 0), ("sys.exit(141)", 141)])
def test_threads_end_and_others_clean_up_before_the_process_leaves(ends: str, code: int) -> None:
    process = ended(ends)
    assert process.stdout.splitlines() == IN_ORDER
    assert process.returncode == code
    assert process.stderr == ""


@pytest.mark.parametrize(
    ("ends", "told"),
    [("raise LookupError('lost')", "LookupError: lost"), ("sys.exit('no such thing')", "no such thing")],
)
def test_an_error_that_nobody_expected_ends_as_python_ends_it(ends: str, told: str) -> None:
    process = ended(ends)
    assert process.stdout.splitlines() == [*IN_ORDER, "objects taken apart"]
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1] == told
