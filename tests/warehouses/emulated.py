"""`measure` in a process whose Snowflake is an emulator: several commands, one after the other, on one account.

    python -m tests.warehouses.emulated '[["build", "--target", "sf"], ["diff", "local", "sf"]]'

Ends with the code of the first command that fails. `["script", FILE]` sends the statements of a file instead.
"""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path

import snowflake.connector
from snowflake.connector.util_text import split_statements

from measure_cli.cli import app
from tests.snowflake.emulator import SETTINGS, emulated


def run(arguments: list[str]) -> int:
    """One command."""
    if arguments[0] == "script":
        return run_script(Path(arguments[1]).read_text(encoding="utf-8"), json.loads(arguments[2]))
    try:
        app(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def run_script(text: str, variables: dict[str, str]) -> int:
    """Every statement of a script, in a session that has the variables."""
    with snowflake.connector.connect(account=SETTINGS["account"], user=SETTINGS["user"], password="none") as connection:
        cursor = connection.cursor()
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {SETTINGS['database']}")
        for name, value in variables.items():
            cursor.execute(f"SET {name} = '{value}'")
        for statement, _ in split_statements(StringIO(text), remove_comments=True):
            if statement and not statement.startswith("ALTER SESSION"):  # the emulator has no settings of a session
                cursor.execute(statement)
    return 0


if __name__ == "__main__":
    with emulated():
        for command in json.loads(sys.argv[1]):
            if code := run(command):
                sys.exit(code)
