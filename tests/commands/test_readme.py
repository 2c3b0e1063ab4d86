"""The README shows what the tool prints, and its project builds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from measure_cli.cli import app

README = Path(__file__).parents[2] / "README.md"
SECONDS = re.compile(r"\d+\.\d\d s\b")


def text_between(start: str, end: str) -> str:
    text = README.read_text(encoding="utf-8")
    return text[text.index(start) + len(start) : text.index(end)]


def as_told(text: str) -> list[str]:
    """Lines without what differs from run to run: seconds and blanks at the end."""
    return [SECONDS.sub("0.00 s", line.rstrip()) for line in text.strip().splitlines()]


def test_the_demo_ends_as_shown(tmp_path: Path) -> None:
    ended = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["build", "--project-dir", str(tmp_path)])
    assert ended.exit_code == 0, ended.stderr
    shown = text_between("<!-- demo output -->\n```text\n", "```\n<!-- end of demo output -->")
    told = ended.stderr[ended.stderr.index("success:") :]
    assert as_told(told) == as_told(shown)


def test_the_project_of_the_readme_builds(tmp_path: Path) -> None:
    config = text_between("```toml\n", "```\n\nand run")
    assert len(config.strip().splitlines()) <= 10, "ten lines, as the heading says"
    tomllib.loads(config)
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "measure.toml").write_text(config.replace(".parquet", ".csv"), encoding="utf-8")
    (data / "ad_log_1.csv").write_text("customer,time,channel\na,2025-01-01T10:00:00Z,Email\n", encoding="utf-8")
    (data / "orders.csv").write_text("customer,paid_at,type,total\na,2025-01-02 09:00,order,12.50\n", encoding="utf-8")
    ended = CliRunner().invoke(app, ["build", "--project-dir", str(tmp_path), "--as-of", "2025-02-01"])
    assert ended.exit_code == 0, ended.stderr


def test_every_command_has_a_row() -> None:
    text = README.read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert f"| `measure {name}" in text, name
