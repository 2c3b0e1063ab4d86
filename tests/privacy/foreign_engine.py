"""Runs one SELECT over a table of texts on another engine: `python -m tests.privacy.foreign_engine ENGINE < REQUEST`.

The request is JSON: `sql` over a table people (n, address), its `texts`, the `values` of parameters written `$name`. A
process of its own, because chDB takes one data folder a process, and fakesnow replaces the connector of Snowflake.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any

from tests.build.workshop import process_environment

Answer = list[str | None]


def on_clickhouse(sql: str, texts: Sequence[str | None], values: Mapping[str, str]) -> Answer:
    import clickhouse_connect

    for name in values:
        sql = sql.replace(f"${name}", f"{{{name}:String}}")
    with TemporaryDirectory() as folder:
        client = clickhouse_connect.get_client(dsn=f"chdb://{folder}/data")
        client.command("CREATE TABLE people (n UInt32, address Nullable(String)) ENGINE = MergeTree ORDER BY n")
        client.insert("people", [list(row) for row in enumerate(texts)], column_names=["n", "address"])
        client.command(f"CREATE TABLE made ENGINE = MergeTree ORDER BY n AS {sql}", parameters=dict(values))
        rows = client.query("SELECT p FROM made ORDER BY n").result_rows
        client.close()
    return [row[0] for row in rows]


def on_snowflake(sql: str, texts: Sequence[str | None], values: Mapping[str, str]) -> Answer:
    import fakesnow
    import snowflake.connector

    snowflake.connector.paramstyle = "qmark"
    names = sorted(values, key=lambda name: sql.index(f"${name}"))
    for name in names:
        assert sql.count(f"${name}") == 1
        sql = sql.replace(f"${name}", "?")
    with fakesnow.patch():
        connection = snowflake.connector.connect(database="measure", schema="public")
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE people (n INTEGER, address VARCHAR)")
        for number, text in enumerate(texts):
            cursor.execute("INSERT INTO people SELECT ?, ?", (number, text))
        cursor.execute(f"CREATE TABLE made AS {sql}", [values[name] for name in names])
        cursor.execute("SELECT p FROM made ORDER BY n")
        return [row[0] for row in cursor.fetchall()]


ENGINES: Mapping[str, Callable[[str, Sequence[str | None], Mapping[str, str]], Answer]] = {
    "clickhouse": on_clickhouse,
    "snowflake": on_snowflake,
}


def ask(engine: str, sql: str, texts: Sequence[str | None], values: Mapping[str, str]) -> Answer:
    """The column `p` of the SELECT in the order of the texts, computed by the engine in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.privacy.foreign_engine", engine],
        input=json.dumps({"sql": sql, "texts": list(texts), "values": dict(values)}),
        capture_output=True,
        text=True,
        check=False,
        env=process_environment(),
    )
    assert ended.returncode == 0, ended.stderr
    answer: Answer = json.loads(ended.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    request: dict[str, Any] = json.load(sys.stdin)
    sys.stdout.write(json.dumps(ENGINES[sys.argv[1]](request["sql"], request["texts"], request["values"])) + "\n")
