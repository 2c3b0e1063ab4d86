"""Text files in which not all lines end alike: named with the first line that differs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from measure_cli.line_ends import change_of_line_end
from tests.bad_input.project import CONFIG, Case, assert_refused, params, source_of, write

DEEP = 50_000
HEADER = "user_id,event_ts,event_kind,amount\n"
ROW = "u,2025-02-01 10:00:00,Social,1"
SPEND_CRLF = b"date,channel,spend\r\n2025-02-01,Social,1\r\n"

CASES = (
    Case(
        "CRLF deep inside of LF",
        (write("data/touchpoints.csv", HEADER + f"{ROW}\n" * (DEEP - 1) + f"{ROW}\r\n{ROW}\n"),),
        (
            f"touchpoints.csv cannot be read: line {DEEP + 1} ends in CRLF, the lines before it in LF\n",
            "save it again with LF throughout",
        ),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "LF after a header with CRLF",
        (write("data/touchpoints.csv", HEADER.replace("\n", "\r\n") + f"{ROW}\n" * 9),),
        ("touchpoints.csv cannot be read: line 2 ends in LF, the lines before it in CRLF\n",),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "LF after CRLF in one of several packed files",
        (
            write("data/spend_2.csv.gz", gzip.compress(SPEND_CRLF + b"2025-02-02,Social,1\n" * 9)),
            source_of("spend", "data/spend*.csv*"),
        ),
        ("source spend: spend_2.csv.gz cannot be read: line 3 ends in LF, the lines before it in CRLF\n",),
        (CONFIG, "[sources.spend]"),
    ),
)


@pytest.mark.parametrize("case", params(*CASES))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        (b'a,b\r\n"1\n""2\n\n",3\r\n4,5\n', "line 6 ends in LF, the lines before it in CRLF"),
        (b'a,b\n"1\r\n2",3\n4,5', None),
        (b"a,b\r1,2\r3,4\n", "line 3 ends in LF, the lines before it in CR"),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"a\r\nb\0\n", None),
        (b"", None),
    ],
)
def test_a_line_end_within_quotes_is_a_value(tmp_path: Path, content: bytes, changed: str | None) -> None:
    (tmp_path / "file.csv").write_bytes(content)
    assert change_of_line_end(tmp_path / "file.csv") == changed
