"""Ctrl-C and SIGTERM: the running statement is cancelled, nothing is published, the next build is whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.build.versions import open_versions, version_of
from tests.build.workshop import EVERYTHING, ROOT, Workshop, open_workshop, process_environment

SLOW = """\
{{ config(materialized='table') }}
{% set others = range(1, 15 if var('slow') else 2) %}
SELECT
  count(*) AS n_orders,
  sum(CAST(o0.amount AS DOUBLE){% for n in others %} * o{{ n }}.amount{% endfor %}) AS amount
FROM {{ ref('stg_orders') }} AS o0
{% for n in others %}CROSS JOIN {{ ref('stg_orders') }} AS o{{ n }}
{% endfor %}
"""
SLOW_VARIABLE = "  slow: {type: bool, default: false, description: Whether fct_slow takes minutes.}\n"
SIGNALS = pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)


@pytest.fixture
def slow(shop: Workshop) -> Workshop:
    """The shop with a model that takes minutes if it is told to."""
    shop.append("my_stack/stack.yml", SLOW_VARIABLE)
    shop.write("my_stack/marts/fct_slow.sql", SLOW)
    return shop


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read the narration until a line holds the text; the slow model is then under way or about to be."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            time.sleep(0.3)
            return
    raise AssertionError(f"the build ended without {text!r}")


def interrupted(
    shop: Workshop, *numbers: int, arguments: tuple[str, ...] = ("build", "--var", "slow=true", "--full")
) -> tuple[int, str]:
    """Exit code and the rest of the narration of a build that was interrupted in the slow model."""
    process = shop.start(*arguments)
    try:
        wait_for(process, "fct_day")
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.05)
        stdout, stderr = process.communicate(timeout=15)
    finally:
        process.kill()
    assert stdout == ""
    assert "Traceback" not in stderr
    return process.returncode, stderr


@SIGNALS
def test_an_interrupted_build_publishes_nothing(slow: Workshop, tmp_path: Path, number: int, exit_code: int) -> None:
    slow.build()
    before = slow.content()
    slow.append("data/orders.csv", "9,2024-03-02,Rome,2.00\n")
    code, told = interrupted(slow, number)
    assert code == exit_code
    assert "interrupted" in told
    assert slow.content() == before
    assert slow.leftovers() == []
    assert slow.last_run()["status"] == "interrupted"
    assert slow.last_run()["finished_at"] is not None
    assert slow.build().having("built") == EVERYTHING - {"cities"} | {"fct_slow"}
    fresh = open_workshop(tmp_path / "fresh", {"data/orders.csv": slow.read("data/orders.csv")})
    fresh.append("my_stack/stack.yml", SLOW_VARIABLE)
    fresh.write("my_stack/marts/fct_slow.sql", SLOW)
    fresh.build()
    assert slow.content() == fresh.content()


@SIGNALS
def test_an_interrupted_first_build_leaves_an_empty_target(slow: Workshop, number: int, exit_code: int) -> None:
    assert interrupted(slow, number)[0] == exit_code
    assert slow.relations() == {}
    assert slow.build().having("built") == EVERYTHING | {"fct_slow"}


def test_an_impatient_second_signal_does_not_disturb_the_clean_up(slow: Workshop) -> None:
    slow.build()
    before = slow.content()
    code, told = interrupted(slow, signal.SIGINT, signal.SIGINT, signal.SIGINT)
    assert code in (130, -signal.SIGINT), "a shell reads both as 130"
    assert "interrupted" in told
    assert slow.content() == before
    assert slow.leftovers() == []
    assert slow.last_run()["status"] == "interrupted"


def test_an_interrupted_audit_says_so(slow: Workshop) -> None:
    slow.build()
    slow.write(
        "my_stack/audits/slow_audit.sql",
        SLOW.replace("{{ config(materialized='table') }}", "").replace("var('slow')", "true") + "HAVING count(*) < 0\n",
    )
    process = slow.start("audit")
    wait_for(process, "refunds")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=15)
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    assert slow.build("fct_day", "--full").having("built") == {"fct_day"}


def struck(shop: Workshop, moment: str, name: str, version: int) -> subprocess.CompletedProcess[str]:
    """A build that is struck while it publishes."""
    arguments = ["build", "--project-dir", str(shop.folder), "--var", f"version={version}", "--quiet"]
    return subprocess.run(
        [sys.executable, "-m", "tests.build.stricken_build", moment, name, *arguments],
        env=process_environment(), cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("moment", ["20", "committed"])
def test_a_signal_during_publication_leaves_target_record_and_exit_code_in_agreement(
    tmp_path: Path, moment: str
) -> None:
    """Too late to stop, or in time: both are right, as long as all that is told says the same."""
    shop = open_versions(tmp_path)
    shop.build("--var", "version=1")
    ended = struck(shop, moment, "SIGINT", version=2)
    stopped = ended.returncode == 130
    assert stopped or ended.returncode == 0, ended.stderr
    assert version_of(shop) == (1 if stopped else 2)
    assert shop.last_run()["status"] == ("interrupted" if stopped else "success")
    assert ("nothing of this run was published" in ended.stderr) == stopped
    assert shop.leftovers() == []
