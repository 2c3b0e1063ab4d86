"""The state tables in the target: runs, batches, audits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from tests.build.workshop import EVERYTHING, Workshop


def test_a_run_is_recorded(built: Workshop) -> None:
    run = built.last_run()
    assert run["command"] == "build"
    assert run["status"] == "success"
    assert run["as_of"] == date(2024, 4, 1)
    assert run["relations_built"] == len(EVERYTHING)
    assert run["relations_failed"] == 0
    assert abs(run["finished_at"] - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5), "times are UTC"
    assert run["started_at"] <= run["finished_at"]
    assert run["seconds"] > 0


def test_the_run_identity_is_the_one_in_json(built: Workshop) -> None:
    ended = built.build("--full")
    assert built.last_run()["run_id"] == ended.json["run_id"]
    assert built.query("SELECT DISTINCT run_id FROM measure_state.batches") == [(ended.json["run_id"],)]


def test_every_built_relation_has_one_row_in_the_ledger(built: Workshop) -> None:
    built.build("--full")
    rows = built.query("SELECT relation, count(*), max(row_count) FROM measure_state.batches GROUP BY relation")
    assert {name for name, _, _ in rows} == EVERYTHING
    assert all(count == 1 for _, count, _ in rows)
    assert {name: number for name, _, number in rows}["stg_orders"] == 6


def test_every_fingerprint_differs(built: Workshop) -> None:
    prints = built.query("SELECT fingerprint FROM measure_state.batches")
    assert len(set(prints)) == len(EVERYTHING)


def test_every_audit_of_every_run_is_kept(built: Workshop) -> None:
    built.build("--full")
    built.measure("audit")
    rows = built.query(
        "SELECT relation, audit, severity, status, failures, count(*) FROM measure_state.audits "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert rows == [
        ("fct_day", "unique(day)", "error", "pass", 0, 3),
        ("fct_monthly", "not_null(day)", "error", "pass", 0, 3),
        ("fct_region", "accepted_range(gross)", "error", "pass", 0, 3),
        ("fct_region", "not_null(region)", "error", "pass", 0, 3),
        ("fct_region", "unique(region)", "error", "pass", 0, 3),
    ]


def test_a_failed_run_is_recorded_with_its_audits(built: Workshop) -> None:
    ledger = built.query("SELECT relation, fingerprint FROM measure_state.batches WHERE relation LIKE 'fct_region'")
    built.replace("my_stack/marts/schema.yml", "min_value: 0", "max_value: 1")
    ended = built.build(exit_code=1)
    run = built.last_run()
    assert run["run_id"] == ended.json["run_id"]
    assert run["status"] == "failed"
    assert (run["relations_built"], run["relations_failed"]) == (0, 2)
    failing = built.query(
        "SELECT relation, audit, failures FROM measure_state.audits WHERE status = 'fail' AND run_id = ?", run["run_id"]
    )
    assert failing == [("fct_region", "accepted_range(gross)", 3)]
    assert (
        built.query("SELECT relation, fingerprint FROM measure_state.batches WHERE relation = 'fct_region'") == ledger
    )


def test_a_build_without_work_leaves_the_ledger_alone(built: Workshop) -> None:
    before = built.query("SELECT * FROM measure_state.batches ORDER BY ALL")
    built.build()
    assert built.query("SELECT * FROM measure_state.batches ORDER BY ALL") == before


def test_stacks_in_one_target_do_not_mix_up_their_ledgers(built: Workshop) -> None:
    import shutil

    shutil.copytree(built.folder / "my_stack", built.folder / "other_stack")
    built.replace("other_stack/stack.yml", "name: my_stack", "name: other_stack")
    for layer in ("staging", "intermediate", "marts"):
        (built.folder / "other_stack" / layer).rename(built.folder / "other_stack" / f"other_{layer}")
    assert "fct_day" in built.build("--stack", "other_stack").having("built")
    assert built.build().having("built") == set()


def test_no_state_stands_beside_the_target(built: Workshop) -> None:
    names = {file.name for file in built.folder.rglob("*") if file.is_file()}
    assert not [name for name in names if "state" in name or "progress" in name]


def test_losing_the_state_rebuilds_everything(built: Workshop) -> None:
    before = built.content()
    built.execute("DROP SCHEMA measure_state CASCADE")
    assert built.build().having("built") == EVERYTHING
    assert built.content() == before
