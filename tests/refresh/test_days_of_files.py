"""A source of several Parquet files: the days of those that stay what they are are on record, and not read again."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.build.workshop import Workshop

FILES = {
    "measure.toml": """\
        [project]
        name = "files"
        stack = "my_stack"
        as_of = "2024-07-01"

        [targets.local]
        type = "duckdb"
        path = "warehouse/shop.duckdb"

        [sources.events]
        path = "data/*.parquet"
        """,
    "my_stack/stack.yml": "name: my_stack\ndescription: Events in files.\n",
    "my_stack/sources.yml": """\
        sources:
          - name: events
            description: Events.
            required: true
            time_column: happened_at
            columns:
              - {name: kind, data_type: varchar, required: true, description: What.}
              - {name: happened_at, data_type: timestamp, description: When.}
              - {name: amount, data_type: bigint, description: How much.}
        """,
    "my_stack/marts/fct_days.sql": """\
        {{ config(materialized='incremental', time_column='day') }}
        SELECT CAST(happened_at AS DATE) AS day, kind, count(*) AS n_events, CAST(sum(amount) AS BIGINT) AS amount
        FROM {{ source('events') }}
        {%- if is_incremental() %}
        WHERE happened_at >= {{ batch.start }} AND happened_at < {{ batch.end }}
        {%- else %}
        WHERE happened_at IS NOT NULL
        {%- endif %}
        GROUP BY CAST(happened_at AS DATE), kind
        """,
}
START = datetime(2024, 2, 1, 8)

Event = tuple[str, datetime | None, int]
Content = dict[str, list[Event]]


def write_events(file: Path, events: Iterable[Event], extra: str = "", kind: str = "VARCHAR") -> None:
    """A Parquet file; one that was there before gets another time of change."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE events (kind {kind}, happened_at TIMESTAMP, amount BIGINT)")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", [*events])
        connection.execute(f"COPY (SELECT *{extra} FROM events) TO '{file}' (FORMAT PARQUET, COMPRESSION UNCOMPRESSED)")
    if file.stat().st_mtime_ns <= before:
        os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    for path, text in FILES.items():
        shop.write(path, text)
    (tmp_path / "data").mkdir()
    return shop


def refresh(shop: Workshop) -> int:
    """How many batches were built."""
    ended = shop.measure("refresh", "--json")
    assert ended.exit_code == 0, ended.stderr
    found = [model.get("batches") for model in ended.json["models"] if model["name"] == "fct_days"]
    return int(found[0] or 0)


def check(shop: Workshop, content: Content) -> None:
    """The table, and what is on record of the source, are what the files hold."""
    events = [event for rows in content.values() for event in rows]
    counted = Counter((moment.date(), kind) for kind, moment, _ in events if moment)
    amounts: Counter[object] = Counter()
    for kind, moment, amount in events:
        if moment:
            amounts[(moment.date(), kind)] += amount
    expected = sorted((*key, number, amounts[key]) for key, number in counted.items())
    assert shop.query("SELECT * FROM marts.fct_days ORDER BY ALL") == expected
    kept = shop.query("SELECT parts FROM measure_state.days WHERE relation = 'source.events'")
    assert [len(json.loads(parts)) for (parts,) in kept] in ([], [len(content)], [0])
    seen = shop.query("SELECT days FROM measure_state.days WHERE relation = 'source.events'")
    days = {day: rows for day, (rows, _) in json.loads(seen[0][0]).items()} if seen else {}
    assert days == Counter(moment.date().isoformat() if moment else "" for _, moment, _ in events)


def some_events(dice: random.Random, most: int) -> list[Event]:
    return [
        (
            dice.choice(("mail", "search")),
            START + timedelta(days=dice.randrange(120), seconds=dice.randrange(9999)) if dice.random() < 0.95 else None,
            dice.randrange(100),
        )
        for _ in range(dice.randint(1, most))
    ]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_to_files_the_days_are_those_of_all(shop: Workshop, seed: int) -> None:
    dice, folder = random.Random(seed), shop.folder / "data"
    content: Content = {f"{number}.parquet": some_events(dice, 30) for number in range(3)}
    for name, events in content.items():
        write_events(folder / name, events)
    for step in range(8):
        refresh(shop)
        check(shop, content)
        name = dice.choice(sorted(content))
        match dice.choice(("add", "remove", "rename", "rewrite", "move", "copy")):
            case "add":
                content[f"new{step}.parquet"] = some_events(dice, 5)
            case "remove" if len(content) > 2:
                content.pop(name)
                (folder / name).unlink()
            case "rename":
                content[f"renamed{step}.parquet"] = content.pop(name)
                (folder / name).rename(folder / f"renamed{step}.parquet")
            case "move":
                other = dice.choice(sorted(content))
                content[other] = [*content[other], *content[name][1:]] if other != name else content[other]
                content[name] = content[name][:1] if other != name else content[name]
                write_events(folder / other, content[other])
            case "copy":
                content[f"copy{step}.parquet"] = [*content[name]]
            case _:
                content[name] = [*content[name][1:], *some_events(dice, 3)]
        if name in content:
            write_events(folder / name, content[name])
        for added in [added for added in content if not (folder / added).exists()]:
            write_events(folder / added, content[added])
    refresh(shop)
    check(shop, content)
    assert refresh(shop) == 0


def test_files_that_stay_what_they_are_are_not_read(shop: Workshop) -> None:
    """The values of one file are spoiled, its size and time are not: nobody notices before somebody reads them."""
    quiet, busy = shop.folder / "data" / "quiet.parquet", shop.folder / "data" / "busy.parquet"
    old: list[Event] = [("mail", datetime(2024, 2, 3, 4), 7_777_777)]
    new: list[Event] = [("mail", datetime(2024, 5, 6, 7), 1)]
    write_events(quiet, old)
    write_events(busy, new)
    assert refresh(shop) == 2
    times, body = quiet.stat().st_mtime_ns, quiet.read_bytes()
    amount = (7_777_777).to_bytes(8, "little")
    footer = int.from_bytes(body[-8:-4], "little") + 8
    values, rest = body[:-footer], body[-footer:]
    assert amount in values
    quiet.write_bytes(values.replace(amount, (1_111_111).to_bytes(8, "little")) + rest)
    os.utime(quiet, ns=(times, times))
    write_events(busy, [*new, ("search", datetime(2024, 5, 6, 8), 2)])
    assert refresh(shop) == 1
    check(shop, {"quiet": old, "busy": [*new, ("search", datetime(2024, 5, 6, 8), 2)]})


@pytest.mark.parametrize("spoiled", ["more columns", "another type"])
def test_files_that_differ_in_columns_are_read_together(shop: Workshop, spoiled: str) -> None:
    content: Content = {
        "a.parquet": [("1", datetime(2024, 2, 3), 5)],
        "b.parquet": [("2", datetime(2024, 2, 4), 6)],
    }
    write_events(shop.folder / "data" / "a.parquet", content["a.parquet"])
    extra, kind = (", 1 AS more", "VARCHAR") if spoiled == "more columns" else ("", "INTEGER")
    write_events(shop.folder / "data" / "b.parquet", content["b.parquet"], extra, kind)
    assert refresh(shop) == 1
    check(shop, content)
    content["a.parquet"].append(("1", datetime(2024, 4, 3), 5))
    write_events(shop.folder / "data" / "a.parquet", content["a.parquet"])
    assert refresh(shop) == 1
    check(shop, content)
