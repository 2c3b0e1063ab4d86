"""ClickHouse as it comes: `python -m tests.incidents.plain_clickhouse FOLDER STATEMENT...` prints the last one's rows.

A process of its own, because chDB takes one folder a process.
"""

from __future__ import annotations

import json
import sys

import clickhouse_connect

if __name__ == "__main__":
    client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
    for statement in sys.argv[2:-1]:
        client.command(statement)
    json.dump(client.query(sys.argv[-1]).result_rows, sys.stdout, default=str)
