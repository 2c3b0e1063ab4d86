"""Input files that are missing, of the wrong kind, or broken somewhere: found before anything is built."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad_input.project import (
    CONFIG,
    DATABASE,
    Case,
    Edit,
    assert_message,
    assert_refused,
    contents,
    params,
    relations,
    remove,
    run,
    source_of,
    sql,
    write,
    write_project,
)

DEEP = 50_000
NOBODY = 65_534
UNWRITABLE = 2
HEADER = "user_id,event_ts,event_kind,amount\n"
ROW = "u{},2025-02-01 10:00:00,Social,1\n"
SPEND = "SELECT DATE '2025-02-01' AS \"date\", 'Social' AS channel, 1.5 AS spend"
PARQUET = "COPY (" + SPEND + ") TO {file} (FORMAT parquet)"


def deep(bad_row: bytes) -> bytes:
    """A CSV of touchpoints in which only the row DEEP, on line DEEP + 1, is bad."""
    good = "".join(ROW.format(number) for number in range(1, DEEP))
    return HEADER.encode() + good.encode() + bad_row + ROW.format("z").encode()


def move(old: str, new: str) -> Edit:
    """Give a file another name."""

    def edit(folder: Path) -> None:
        (folder / old).replace(folder / new)

    return edit


def cut(path: str, keep: int) -> Edit:
    """Keep the first bytes of a file."""
    return lambda folder: write(path, (folder / path).read_bytes()[:keep])(folder)


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
        ("source spend: there is no file data/spend.csv\nKnown: conversions.csv, touchpoints.csv.",),
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
        ("source spend: cannot read spend.xlsx: unknown ending", "Known endings: .csv, .tsv"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "no ending",
        (write("data/spend", "date,channel,spend\n"), source_of("spend", "data/spend")),
        ("source spend: cannot read spend: unknown ending", "Known endings: .csv, .tsv"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "formats mixed in a glob",
        (sql("data/spend_2.parquet", PARQUET), source_of("spend", "data/spend*")),
        ("source spend: data/spend* matches files of several formats: spend.csv, spend_2.parquet",),
        (CONFIG, "[sources.spend]"),
    ),
)

TEXT = (
    Case(
        "Latin-1 byte deep inside",
        (write("data/touchpoints.csv", deep("uä,2025-02-01 10:00:00,Social,1\n".encode("latin-1"))),),
        ("source touchpoints: touchpoints.csv cannot be read", f"Line: {DEEP + 1}\n", "Save it as UTF-8."),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "Latin-1 byte at the start",
        (write("data/touchpoints.csv", (HEADER + "uä,2025-02-01,Social,1\n").encode("latin-1")),),
        ("source touchpoints: touchpoints.csv cannot be read", "Line: 2\n", "Save it as UTF-8."),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "UTF-16",
        (write("data/touchpoints.csv", (HEADER + ROW.format(1)).encode("utf-16")),),
        ("source touchpoints: touchpoints.csv cannot be read", "Save it as UTF-8."),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "too many columns deep inside",
        (write("data/touchpoints.csv", deep(b"u,2025-02-01 10:00:00,Social,1,more\n")),),
        (f"touchpoints.csv cannot be read: CSV Error on Line: {DEEP + 1}\n", "Expected Number of Columns: 4 Found: 5"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "too few columns deep inside",
        (write("data/touchpoints.csv", deep(b"u,2025-02-01 10:00:00\n")),),
        (f"touchpoints.csv cannot be read: CSV Error on Line: {DEEP + 1}\n", "Expected Number of Columns: 4 Found: 2"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "quote that never ends",
        (write("data/touchpoints.csv", deep(b'u,2025-02-01 10:00:00,"Social,1\n')),),
        (f"touchpoints.csv cannot be read: CSV Error on Line: {DEEP + 1}\n", "unterminated quote"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "one bad file among several",
        (
            write("data/spend_2.csv", "date,channel,spend,clicks\n2025-02-01,Social,1\n"),
            source_of("spend", "data/spend*.csv"),
        ),
        ("source spend: spend_2.csv cannot be read: CSV Error on Line: 2\n", "Expected Number of Columns: 4 Found: 3"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "too few columns on the second line",
        (write("data/touchpoints.csv", HEADER + "u,2025-02-01 10:00:00\n" + ROW.format(1) * 9),),
        ("touchpoints.csv cannot be read: CSV Error on Line: 2\n", "Expected Number of Columns: 4 Found: 2"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "too few columns on the last line",
        (write("data/touchpoints.csv", (HEADER + ROW.format(1) * 9 + "u,2025-02-01\n").replace(",", ";")),),
        ("touchpoints.csv cannot be read: CSV Error on Line: 11\n", "Expected Number of Columns: 4 Found: 2"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "too many columns on the third line",
        (write("data/touchpoints.csv", HEADER + ROW.format(1) + "u,2025-02-01,Paid, Search,1\n" + ROW.format(1) * 9),),
        ("touchpoints.csv cannot be read: CSV Error on Line: 3\n", "Expected Number of Columns: 4 Found: 5"),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "no header",
        (write("data/conversions.csv", "u1,2025-02-01,purchase\nu2,2025-02-01,purchase\n"),),
        (
            'data/conversions.csv has no column "user_id", which source conversions needs as user_id',
            "found: u1, 2025-02-01, purchase",
        ),
        (CONFIG, "[sources.conversions]"),
    ),
    Case(
        "rows longer than the header from the first one on",
        (write("data/conversions.csv", "user_id,conversion_ts,conversion_kind\n" + "u1,2025-02-01,purchase,5\n" * 9),),
        (
            'data/conversions.csv has no column "user_id", which source conversions needs as user_id',
            "found: u1, 2025-02-01, purchase",
        ),
        (CONFIG, "[sources.conversions]"),
    ),
)

BINARY = (
    Case(
        "Parquet that is text",
        (write("data/spend.parquet", "date,channel,spend\n"), source_of("spend", "data/spend.parquet")),
        ("source spend: spend.parquet cannot be read: No magic bytes found at end of file",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "Parquet that breaks off",
        (sql("data/spend.parquet", PARQUET), cut("data/spend.parquet", 200), source_of("spend", "data/spend.parquet")),
        ("source spend: spend.parquet cannot be read: No magic bytes found at end of file",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "text that is Parquet",
        (
            sql("data/spend.parquet", PARQUET),
            move("data/spend.parquet", "data/spend.csv"),
        ),
        ("source spend: spend.csv cannot be read: Error when sniffing file",),
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
        ("source spend: spend.jsonl cannot be read: Malformed JSON in file", "at byte 20 in line "),
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
        ("source spend: spend.jsonl cannot be read: Malformed JSON in file", "at byte 20 in line 5000"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "gzip that is text",
        (write("data/spend.csv.gz", "date,channel,spend\n"), source_of("spend", "data/spend.csv.gz")),
        ("source spend: spend.csv.gz cannot be read: Input is not a GZIP stream",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "gzip that breaks off",
        (
            write("data/spend.csv.gz", gzip.compress(b"date,channel,spend\n" + b"2025-02-01,Social,1\n" * 99)[:-20]),
            source_of("spend", "data/spend.csv.gz"),
        ),
        ("source spend: spend.csv.gz cannot be read: Unexpected end of GZIP stream",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "gzip with something else inside",
        (
            write("data/spend.csv.gz", gzip.compress(b"\x89PNG\r\n\x1a\n\xff\xfe")),
            source_of("spend", "data/spend.csv.gz"),
        ),
        ("source spend: spend.csv.gz cannot be read: Error when sniffing file",),
        (CONFIG, "[sources.spend]"),
    ),
)


@pytest.mark.parametrize("case", params(*FILES, *TEXT, *BINARY))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)


def touches(folder: Path) -> dict[object, object]:
    """What the built project counts per kind."""
    return {row[0]: row[1] for row in relations(folder / DATABASE)["marts.fct_touches"]}


def test_parquet_broken_inside_keeps_the_published_relations(project: Path) -> None:
    columns = "'u' AS user_id, TIMESTAMP '2025-02-01' AS event_ts, 'Social ' || range AS event_kind, 1.5 AS amount"
    sql("data/touchpoints.parquet", f"COPY (SELECT {columns} FROM range(5000)) TO {{file}} (FORMAT parquet)")(project)
    file = project / "data/touchpoints.parquet"
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(content[: middle - 300] + b"\xff" * 600 + content[middle + 300 :])
    source_of("touchpoints", "data/touchpoints.parquet")(project)
    before = contents(project)
    outcome = run(project, "build")
    assert_message(outcome, 2, ("measure.toml:11: source touchpoints: touchpoints.parquet cannot be read: ",))
    assert contents(project) == before


def test_header_alone_is_an_empty_input(project: Path) -> None:
    write("data/touchpoints.csv", HEADER)(project)
    write("registries/steps.csv", "funnel,step,stream\n")(project)
    outcome = run(project, "build")
    assert outcome.exit_code == 0, outcome.stderr
    assert touches(project) == {}


def test_text_deep_inside_is_read_like_text_at_the_start(project: Path) -> None:
    odd = 'u,2025-02-01 10:00:00,"Paid, ""big"" Search",1\n#u,2025-02-01 10:00:00,"Mail",1\n'
    write("data/touchpoints.csv", deep(odd.encode()))(project)
    outcome = run(project, "build")
    assert outcome.exit_code == 0, outcome.stderr
    assert touches(project) == {"Social": DEEP, 'Paid, "big" Search': 1, "Mail": 1}


def test_row_that_begins_with_a_hash_is_no_comment(project: Path) -> None:
    write("data/touchpoints.csv", HEADER + "#u,2025-02-01 10:00:00,Social,1\n" + ROW.format(2) * 30)(project)
    outcome = run(project, "build")
    assert outcome.exit_code == 0, outcome.stderr
    assert touches(project) == {"Social": 31}


@pytest.fixture
def outsider() -> Iterator[Path]:
    """A built project of a user for whom permissions count: root reads everything, so it steps aside for the test."""
    folder = Path(tempfile.mkdtemp(prefix="measure-"))
    write_project(folder / "shop")
    assert run(folder / "shop", "build").exit_code == 0
    is_root = os.geteuid() == 0
    if is_root:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder / "shop"
    finally:
        if is_root:
            os.seteuid(0)
        for path in sorted(folder.rglob("*")):
            path.chmod(0o700)
        shutil.rmtree(folder)


needs_permissions = pytest.mark.skipif(os.name == "nt", reason="Windows keeps permissions in another way")


@needs_permissions
def test_file_that_may_not_be_read(outsider: Path) -> None:
    (outsider / "data/spend.csv").touch()
    (outsider / "data/spend.csv").chmod(0)
    before = (outsider / DATABASE).read_bytes()
    assert_message(
        run(outsider, "build"), 2, ("measure.toml:17: source spend: spend.csv cannot be read: ", "Permission denied")
    )
    assert (outsider / DATABASE).read_bytes() == before


@needs_permissions
def test_folder_that_may_not_be_read(outsider: Path) -> None:
    (outsider / "data").chmod(0)
    before = (outsider / DATABASE).read_bytes()
    assert_message(
        run(outsider, "build"),
        2,
        ("measure.toml:11: source touchpoints: data/touchpoints.csv cannot be read: Permission denied",),
    )
    assert (outsider / DATABASE).read_bytes() == before


@needs_permissions
def test_config_that_may_not_be_read(outsider: Path) -> None:
    (outsider / CONFIG).chmod(0)
    assert_message(run(outsider, "build"), 2, ("measure.toml: cannot be read: Permission denied",))


@needs_permissions
def test_project_that_may_not_be_written(outsider: Path) -> None:
    shutil.rmtree(outsider / "warehouse")
    outsider.chmod(0o500)
    before = contents(outsider)
    outcome = run(outsider, "build", "--quiet")
    assert_message(outcome, UNWRITABLE, ("warehouse/shop.duckdb: the folder cannot be created: Permission denied",))
    assert contents(outsider) == before
