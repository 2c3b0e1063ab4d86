"""How a target's settings and the environment become a connection to ClickHouse, on a server or in this process.

The password comes from the environment only: MEASURE_<TARGET>_PASSWORD.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from measure_cli.clickhouse_text import MEANING, WRITING
from measure_cli.types import Project, Target

TLS_SCHEMES = ("clickhouses", "https")
DEFAULT_PORT = {False: 8123, True: 8443}  # without TLS, with TLS
SIZE = re.compile(r"([0-9.]+) ?([KMGT]?)(i?)B?", re.IGNORECASE)
# What the server's own configuration may say otherwise, and DuckDB does so.
PINNED: Mapping[str, int | str] = {
    "session_timezone": "UTC",
    "date_time_input_format": "basic",
    "transform_null_in": 0,
    "prefer_column_name_to_alias": 0,
    "async_insert": 0,
    "insert_deduplicate": 0,
    "mutations_sync": 2,
    "alter_sync": 2,
    "lightweight_delete_mode": "lightweight_update",  # a mutation would be written down, and sees no table of values
    "optimize_const_name_size": 0,  # an error quotes expressions: the constants in them by a hash, not by value
    "max_query_size": 16 * 1024 * 1024,  # a model written out in full may exceed the default of 256 KiB
}
# Joins and subqueries over the tables of a cluster see the rows of all shards, and what was written is there.
ON_A_CLUSTER: Mapping[str, int | str] = {"distributed_product_mode": "global", "distributed_foreground_insert": 1}
SPILL_SHARE = 5  # a hash table doubles before it is looked at again: a fifth of the limit keeps it within


def embedded_folder(project: Project) -> Path | None:
    """The folder of a chDB target; None for a server. `chdb:///a` is absolute, `chdb://a` begins at the project."""
    url = urlsplit(str(project.target.settings["url"]))
    return project.path(unquote(url.netloc + url.path)) if url.scheme == "chdb" else None


def connection_settings(project: Project, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The arguments of the driver's `get_client`, without those of a session."""
    if folder := embedded_folder(project):
        return {"interface": "chdb", "path": str(folder)}
    target = project.target
    url = urlsplit(str(target.settings["url"]))
    is_secure = url.scheme in TLS_SCHEMES
    return {
        "interface": "https" if is_secure else "http",
        "host": url.hostname,
        "port": url.port or DEFAULT_PORT[is_secure],
        "username": unquote(url.username or "") or "default",
        "password": environment.get(password_variable(target), ""),
        "verify": True,
        "autogenerate_session_id": False,  # nothing depends on a session: a dropped connection costs nothing
    }


def session_settings(target: Target) -> dict[str, int | str]:
    """What every statement runs under."""
    settings: dict[str, int | str] = {**MEANING, **WRITING, **PINNED}
    if target.settings.get("cluster"):
        settings |= ON_A_CLUSTER
    if threads := target.settings.get("threads"):
        settings["max_threads"] = int(threads)
    if limit := target.settings.get("memory_limit"):
        settings |= bounded(size_in_bytes(str(limit)))
    return settings


def bounded(limit: int) -> dict[str, int | str]:
    """A limit for each query, and what keeps within it: groups, sorts and joins that go to disk."""
    share = limit // SPILL_SHARE
    return {
        "max_memory_usage": limit,
        "max_bytes_before_external_group_by": share,
        "max_bytes_before_external_sort": share,
        "join_algorithm": "grace_hash,hash",
        "max_bytes_in_join": share,
    }


def size_in_bytes(text: str) -> int:
    """A size as a person writes it.

    >>> size_in_bytes("4GB"), size_in_bytes("1.5 KiB")
    (4000000000, 1536)
    """
    found = SIZE.fullmatch(text)
    assert found is not None, text
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(unit.upper() or " "))


def password_variable(target: Target) -> str:
    """The variable of the environment that holds the password of a target.

    >>> password_variable(Target("my-ch", "clickhouse", {}))
    'MEASURE_MY_CH_PASSWORD'
    """
    return f"MEASURE_{re.sub(r'[^A-Z0-9]', '_', target.name.upper())}_PASSWORD"


def host_and_port(target: Target) -> str:
    """Where a server listens.

    >>> host_and_port(Target("ch", "clickhouse", {"url": "clickhouses://ann@db.example/shop"}))
    'db.example:8443'
    """
    url = urlsplit(str(target.settings["url"]))
    return f"{url.hostname}:{url.port or DEFAULT_PORT[url.scheme in TLS_SCHEMES]}"


def server_text(target: Target) -> str:
    """What a message calls a server: its address without the user.

    >>> server_text(Target("ch", "clickhouse", {"url": "clickhouses://ann@db.example:8443/shop"}))
    'clickhouses://db.example:8443'
    """
    url = urlsplit(str(target.settings["url"]))
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
