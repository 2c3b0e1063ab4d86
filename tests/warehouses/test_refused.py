"""What engines disagree on: DuckDB builds it with a warning, every other target refuses it. Here: `x / 0`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import Workshop, open_workshop

TARGETS: dict[str, str] = {
    "clickhouse": '\n[targets.other]\ntype = "clickhouse"\nurl = "chdb:///{folder}/chdb"\n',
    "snowflake": '\n[targets.other]\ntype = "snowflake"\naccount = "acme"\nuser = "me"\ndatabase = "D"\n',
}


def dividing(folder: Path, kind: str) -> Workshop:
    """The shop, whose fct_share divides by what may be zero, with a second target."""
    shop = open_workshop(folder)
    shop.append("measure.toml", TARGETS[kind].format(folder=folder.as_posix()))
    return shop


@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_another_engine_refuses_what_duckdb_only_warns_of(tmp_path: Path, kind: str) -> None:
    shop = dividing(tmp_path, kind)
    ended = shop.measure("build", "--target", "local")
    assert ended.exit_code == 0
    assert "marts/fct_share.sql:2: guarded-division: " in ended.stderr
    refused = shop.measure("build", "--target", "other")
    assert refused.exit_code == 2
    assert "error: my_stack/marts/fct_share.sql:2: guarded-division: " in refused.stderr
    assert "On this target it would give other rows." in refused.stderr
    assert not (tmp_path / "chdb").exists(), "nothing is touched"


@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_scripts_are_refused_too(tmp_path: Path, kind: str) -> None:
    shop = dividing(tmp_path, kind)
    refused = shop.measure("sql", "--dialect", kind, "--target", "local")
    assert refused.exit_code == 2
    assert refused.stdout == ""
