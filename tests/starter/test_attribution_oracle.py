"""Journeys, ledger, marts and coverage of whole builds, row by row against the reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from tests.oracle.attribution import MODELS, Rules, coverage
from tests.starter.project import Database, build
from tests.starter.relations import (
    assert_same_rows,
    attribution_project,
    attribution_rows,
    built_rows,
    coverage_rows,
    credit_rows,
    expected_ledger,
    journey_rows,
)
from tests.starter.strategies import DIRECT_KINDS, EXCLUSIONS, Dataset, adversarial, datasets, with_roles

JOURNEY_COLUMNS = [
    *("conversion_key", "user_pseudonym", "conversion_kind", "conversion_ts", "conversion_date", "conversion_amount"),
    *("event_kind", "n_touches", "first_touch_ts", "last_touch_ts", "td_sum"),
]
MART_COLUMNS = [
    *("conversion_kind", "event_kind", "conversions_with_touch", *MODELS, "total_conversions"),
    *(f"{model}_amount" for model in MODELS),
]


def assert_agrees(database: Database, dataset: Dataset) -> None:
    """Everything that depends on touches and conversions alone, for every lookback of the dataset."""
    for lookback in dataset.lookbacks:
        journeys = built_rows(database, f"marts.fct_journeys_{lookback}d", ("conversion_key", "event_kind"))
        assert_same_rows(journeys, journey_rows(dataset, lookback), f"journeys {lookback} d")
        ledger = built_rows(database, f"intermediate.int_credits_{lookback}d", ("conversion_key", "event_kind"))
        assert_same_rows(ledger, credit_rows(dataset, lookback), f"credits {lookback} d")
        marts = built_rows(database, f"marts.fct_attribution_{lookback}d", ("conversion_kind", "event_kind"))
        assert_same_rows(marts, attribution_rows(dataset, lookback), f"attribution {lookback} d")
    coverage_key = ("conversion_date", "conversion_kind", "lookback_days")
    built = built_rows(database, "marts.fct_coverage_daily", coverage_key)
    assert_same_rows(built, coverage_rows(dataset), "coverage")


def test_adversarial_build_agrees_with_the_reference(database: Database, dataset: Dataset) -> None:
    assert_agrees(database, dataset)


def test_dataset_is_as_hostile_as_it_claims(dataset: Dataset) -> None:
    """Otherwise agreement would prove little: ties, exclusions, empty journeys and NULL amounts must really occur."""
    ledger = expected_ledger(dataset, 30)
    assert sum(row.first_tied for row in coverage(ledger).values()) >= 20
    assert sum(row.last_tied for row in coverage(ledger).values()) >= 20
    assert sum(row.n_touches == 0 for row in ledger) > 50
    assert sum(row.conversion.amount is None for row in ledger) > 50
    unguarded = replace(dataset, rules=replace(dataset.rules, exclusions=frozenset()))
    assert journey_rows(dataset, 30).keys() < journey_rows(unguarded, 30).keys()
    inclusive = replace(dataset, rules=replace(dataset.rules, include_touch_at_conversion=True))
    assert journey_rows(dataset, 30) != journey_rows(inclusive, 30)


def test_relations_have_the_columns_of_the_contract(database: Database, dataset: Dataset) -> None:
    for lookback in dataset.lookbacks:
        assert database.columns(f"marts.fct_journeys_{lookback}d") == JOURNEY_COLUMNS
        assert database.columns(f"marts.fct_attribution_{lookback}d") == MART_COLUMNS


def test_roles_other_settings_and_json_lines(tmp_path: Path) -> None:
    """A person is a user in a role; here also: other windows, touches at the conversion, no direct kind, half a day."""
    rules = Rules(half_life_days=0.5, direct_kinds=frozenset(), exclusions=EXCLUSIONS, include_touch_at_conversion=True)
    dataset = replace(
        with_roles(adversarial(seed=2, users=100, heavy=[(300, 40)]), seed=2),
        rules=rules,
        lookbacks=(1, 14, 60),
        attribution_window_days=30,
    )
    database = build(attribution_project(tmp_path, dataset, file_format="jsonl"))
    assert_agrees(database, dataset)
    assert "identity_role" in database.columns("marts.fct_journeys_14d")


def test_shortest_half_life_keeps_every_credit(tmp_path: Path) -> None:
    """Weights down to 2^-1000, the widest range that a lookback of 60 days may span."""
    rules = Rules(half_life_days=0.06, direct_kinds=DIRECT_KINDS, exclusions=EXCLUSIONS)
    dataset = replace(adversarial(seed=3, users=40, heavy=[(400, 300)]), rules=rules)
    database = build(attribution_project(tmp_path, dataset))
    for lookback in dataset.lookbacks:
        ledger = built_rows(database, f"intermediate.int_credits_{lookback}d", ("conversion_key", "event_kind"))
        assert_same_rows(ledger, credit_rows(dataset, lookback), f"credits {lookback} d")


def test_half_life_too_short_for_the_lookback_is_refused(tmp_path: Path) -> None:
    """Where every weight would vanish there are no shares: an error, not an invented number."""
    project = attribution_project(tmp_path, adversarial(seed=3, users=5, heavy=[]))
    with pytest.raises(AssertionError, match="is too short for a lookback of 60 days"):
        build(project, half_life_days=0.001)


def test_conversions_without_ids_are_all_kept(tmp_path: Path) -> None:
    """Rows that are equal in everything stay separate conversions, each with its own journey."""
    dataset = adversarial(seed=4, users=60, heavy=[(200, 60)])
    database = build(attribution_project(tmp_path, dataset, file_format="parquet", with_ids=False))
    conversions = built_rows(database, "staging.stg_conversions", ("conversion_key",))
    assert len(conversions) == len(dataset.conversions)
    shared = ("user_pseudonym", "conversion_kind", "conversion_ts", "conversion_amount", "event_kind")
    counted = ("n_touches", "first_touch_ts", "last_touch_ts")
    built = database.rows("SELECT * FROM marts.fct_journeys_30d")
    expected = [{**row, "event_kind": kind} for (_, kind), row in journey_rows(dataset, 30).items()]
    assert Counter(tuple(row[name] for name in shared + counted) for row in built) == Counter(
        tuple(row[name] for name in shared + counted) for row in expected
    )
    marts = built_rows(database, "marts.fct_attribution_30d", ("conversion_kind", "event_kind"))
    assert_same_rows(marts, attribution_rows(dataset, 30), "attribution 30 d")


# A build takes seconds, so examples are few and large, time is no criterion, and a failing example is shown as it
# is: shrinking would mean hundreds of builds.
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    print_blob=True,
)
@given(drawn=datasets())
def test_any_dataset_under_any_settings(drawn: Dataset, tmp_path_factory: pytest.TempPathFactory) -> None:
    note(f"{drawn.rules}, lookbacks {drawn.lookbacks}, attribution window {drawn.attribution_window_days} d")
    assert_agrees(build(attribution_project(tmp_path_factory.mktemp("drawn"), drawn)), drawn)
