"""Input files that are missing, of the wrong kind, or broken somewhere: found before anything is built."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad_input.project import (
    CONFIG,
    DATABASE,
    Case,
    assert_message,
    assert_refused,
    change,
    contents,
    relations,
    remove,
    run,
    source_of,
    sql,
    write,
    write_project,
)

DEEP = 50_000
HEADER = "user_id,event_ts,event_kind,amount\n"
ROW = "u{},2025-02-01 10:00:00,Social,1\n"
SPEND = 'SELECT DATE \'2025-02-01\' AS "date", \'Social\' AS channel, 1.5 AS spend'
PARQUET = "COPY (" + SPEND + ") TO {file} (FORMAT parquet)"


def deep(bad_row: bytes) -> bytes:
    """A CSV of touchpoints in which only the row DEEP, on line DEEP + 1, is bad."""
    good = "".join(ROW.format(number) for number in range(1, DEEP))
    return HEADER.encode() + good.encode() + bad_row + ROW.format("z").encode()


def truncate(path: str, keep: int) -> object:
    return lambda folder: (folder / path).write_bytes((folder / path).read_bytes()[:keep])


FILES = (
    Case(
        "missing file with a near name",
        (source_of("touchpoints", "data/touchpoint.csv"),),
        ("source touchpoints: there is no file data/touchpoint.csv", 'Did you mean "touchpoints.csv"?'),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "missing folder with a near name",
        (source_of("touchpoints", "dat/touchpoints.csv"),),
        ("source touchpoints: there is no file dat/touchpoints.csv", 'Did you mean "data"?'),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "glob without a match",
        (source_of("touchpoints", "data/touch*.parquet"),),
        ("source touchpoints: there is no file data/touch*.parquet",),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "folder instead of a file",
        (source_of("touchpoints", "data"),),
        ("source touchpoints: data is a folder", "Write data/*.csv"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "dangling link",
        (remove("data/spend.csv"), lambda folder: (folder / "data/spend.csv").symlink_to("gone.csv")),
        ("source spend: there is no file data/spend.csv",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "empty file",
        (write("data/spend.csv", ""),),
        ("source spend: spend.csv is empty; expected a header line at least",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "one empty file among several",
        (write("data/spend_2.csv", ""), source_of("spend", "data/spend*.csv")),
        ("source spend: spend_2.csv is empty",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "file that ends in blank lines only",
        (write("data/spend.csv", "\n\n"),),
        ('data/spend.csv has no column "date", which source spend needs',),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "unknown ending",
        (write("data/spend.xlsx", "PK"), source_of("spend", "data/spend.xlsx")),
        ("source spend: cannot read spend.xlsx", "Known endings: .csv, .tsv"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "no ending",
        (write("data/spend", "date,channel,spend\n"), source_of("spend", "data/spend")),
        ("source spend: cannot read spend", "Known endings: .csv, .tsv"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "formats mixed in a glob",
        (sql("data/spend_2.parquet", PARQUET), source_of("spend", "data/spend*")),
        ("source spend: data/spend* matches files of several formats: .csv, .parquet",),
        (CONFIG, "[sources.spend]"),
    ),
)

TEXT = (
    Case(
        "Latin-1 byte deep inside",
        (write("data/touchpoints.csv", deep("uä,2025-02-01 10:00:00,Social,1\n".encode("latin-1"))),),
        ("source touchpoints: touchpoints.csv cannot be read", "UTF-8", f"{DEEP + 1}"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "Latin-1 byte at the start",
        (write("data/touchpoints.csv", (HEADER + "uä,2025-02-01,Social,1\n").encode("latin-1")),),
        ("source touchpoints: touchpoints.csv cannot be read", "UTF-8", "2"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "UTF-16",
        (write("data/touchpoints.csv", (HEADER + ROW.format(1)).encode("utf-16")),),
        ("source touchpoints: touchpoints.csv cannot be read", "UTF-16"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "too many columns deep inside",
        (write("data/touchpoints.csv", deep(b"u,2025-02-01 10:00:00,Social,1,more\n")),),
        ("source touchpoints: touchpoints.csv cannot be read", f"{DEEP + 1}", "Expected Number of Columns: 4 Found: 5"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "too few columns deep inside",
        (write("data/touchpoints.csv", deep(b"u,2025-02-01 10:00:00\n")),),
        ("source touchpoints: touchpoints.csv cannot be read", f"{DEEP + 1}", "Expected Number of Columns: 4 Found: 2"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "quote that never ends",
        (write("data/touchpoints.csv", deep(b'u,2025-02-01 10:00:00,"Social,1\n')),),
        ("source touchpoints: touchpoints.csv cannot be read", f"{DEEP + 1}", "quote"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "no header",
        (write("data/touchpoints.csv", ROW.format(1) + ROW.format(2)),),
        ('data/touchpoints.csv has no column "user_id", which source touchpoints needs as user_id; found: u1, 2025-02-01',),
        (CONFIG, "[sources.touchpoints]"),
    ),
)

BINARY = (
    Case(
        "Parquet that is text",
        (write("data/spend.parquet", "date,channel,spend\n"), source_of("spend", "data/spend.parquet")),
        ("source spend: spend.parquet cannot be read", "magic bytes"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "Parquet that breaks off",
        (sql("data/spend.parquet", PARQUET), truncate("data/spend.parquet", 200), source_of("spend", "data/spend.parquet")),  # type: ignore[arg-type]
        ("source spend: spend.parquet cannot be read",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "Parquet that is broken between its ends",
        (
            sql("data/spend.parquet", PARQUET),
            lambda folder: (folder / "data/spend.parquet").write_bytes(
                overwritten((folder / "data/spend.parquet").read_bytes(), 4, 40)
            ),
            source_of("spend", "data/spend.parquet"),
        ),
        ("source spend: spend.parquet cannot be read",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "text that is Parquet",
        (sql("data/spend.parquet", PARQUET), lambda folder: (folder / "data/spend.parquet").replace(folder / "data/spend.csv")),
        ("source spend: ", "spend.csv"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "JSON line that breaks off",
        (
            write(
                "data/spend.jsonl",
                '{"date": "2025-02-01", "channel": "Social", "spend": 1}\n' * 3 + '{"date": "2025-02-0\n',
            ),
            source_of("spend", "data/spend.jsonl"),
        ),
        ("source spend: spend.jsonl cannot be read", "JSON", "4"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "JSON line that breaks off deep inside",
        (
            write(
                "data/spend.jsonl",
                '{"date": "2025-02-01", "channel": "Social", "spend": 1}\n' * DEEP + '{"date": "2025-02-0\n',
            ),
            source_of("spend", "data/spend.jsonl"),
        ),
        ("source spend: spend.jsonl cannot be read", f"{DEEP + 1}"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "gzip that is text",
        (write("data/spend.csv.gz", "date,channel,spend\n"), source_of("spend", "data/spend.csv.gz")),
        ("source spend: spend.csv.gz cannot be read", "GZIP"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "gzip that breaks off",
        (
            write("data/spend.csv.gz", gzip.compress(b"date,channel,spend\n" + b"2025-02-01,Social,1\n" * 99)[:-20]),
            source_of("spend", "data/spend.csv.gz"),
        ),
        ("source spend: spend.csv.gz cannot be read",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "gzip with something else inside",
        (write("data/spend.csv.gz", gzip.compress(b"\x89PNG\r\n\x1a\n\xff\xfe")), source_of("spend", "data/spend.csv.gz")),
        ("source spend: spend.csv.gz cannot be read",),
        (CONFIG, "[sources.spend]"),
    ),
)


def overwritten(content: bytes, start: int, end: int) -> bytes:
    """The same number of bytes, some of them others."""
    return content[:start] + b"\xff" * (end - start) + content[end:]


@pytest.mark.parametrize("case", (*FILES, *TEXT, *BINARY), ids=str)
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)
