"""A line in a CSV of the project is all that a KPI, a medium or a kind of conversion takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from measure_cli.cli import app
from tests.gnosis import ledger
from tests.gnosis.market import monday, weeks
from tests.gnosis.project import LOOKBACKS, REGISTRIES, Built, build, read_csv

LEAST = Decimal(100)
ROWS = {
    "mmm_kpi_registry": [
        "ga_topups,,int_execution_gnosis_app_conversions,conversion_date,1,,conversion_kind = 'topup',"
        "sum,zero,conversions,true,Topups by users of the app"
    ],
    "mmm_media_registry": [
        "lm_rewards_per_day,,stg_lm_rewards_daily,date,outlay_usd,,,avg,null,usd,true,false,Rewards on an average day"
    ],
    "mta_conversion_kinds": [
        f"large_swap,amount_usd >= {LEAST},A swap of {LEAST} USD or more was filled",
        "feature_used,event_subkind IS NOT NULL,A feature with a name was used",
    ],
    "mta_conversion_to_event_kind": ["large_swap,chain.swap_filled", "feature_used,mp.feature"],
    "mta_gp_conversion_kinds": ["gpay_withdrawn,Fiat Off-ramp;Crypto Withdrawal,false,Money went out"],
    "mta_gp_conversion_to_event_kind": ["gpay_withdrawn,gp.withdrawal"],
}
KINDS = {"large_swap": "chain.swap_filled", "feature_used": "mp.feature"}


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    stack = build(tmp_path_factory.mktemp("extended"), ROWS)
    yield stack
    stack.connection.close()


def names_of(registry: str) -> set[str]:
    """Series of the stack's own registry."""
    return {row["name"] for row in read_csv(REGISTRIES / f"{registry}.csv")}


def test_the_kpi_is_a_series_and_a_column(extended: Built) -> None:
    counts: Counter[date] = Counter()
    for event, count in ledger.app_conversions(extended).items():
        if event.kind == "topup":
            counts[monday(event.ts.date())] += count
    first = min(counts)
    expected = [(week, float(counts[week])) for week in weeks() if week >= first]
    assert sum(value for _, value in expected) > 0
    long_table = "intermediate.int_execution_mmm_kpis_weekly WHERE name = 'ga_topups' AND value IS NOT NULL"
    assert sorted(extended.rows(f"SELECT week, value FROM {long_table}")) == expected
    spine = "marts.fct_execution_mmm_spine_weekly WHERE kpi_ga_topups IS NOT NULL"
    assert sorted(extended.rows(f"SELECT week, kpi_ga_topups FROM {spine}")) == expected
    assert extended.rows("SELECT count(kpi_ga_topups) FROM api.api_execution_mmm_spine_weekly") == [(len(expected),)]


def test_the_medium_is_a_series_and_a_column(extended: Built) -> None:
    long_table = "intermediate.int_execution_mmm_media_weekly WHERE name = 'lm_rewards_per_day'"
    values = sorted(extended.rows(f"SELECT week, value FROM {long_table}"))
    assert [week for week, _ in values] == weeks()
    assert any(value for _, value in values)
    spine = "SELECT week, media_lm_rewards_per_day FROM marts.fct_execution_mmm_spine_weekly"
    assert sorted(extended.rows(spine)) == values


def test_baseline_and_collinearity_know_both(extended: Built) -> None:
    kpis = names_of("mmm_kpi_registry") | {"ga_topups"}
    media = names_of("mmm_media_registry") | {"lm_rewards_per_day"}
    baseline = extended.rows("SELECT kpi_name, media_name FROM marts.fct_execution_mmm_baseline_latest")
    assert sorted(baseline) == sorted((kpi, medium) for kpi in kpis for medium in media)
    pairs = extended.rows("SELECT media_a, media_b FROM marts.fct_execution_mmm_collinearity_latest")
    assert sorted(pairs) == sorted((a, b) for a in media for b in media if a < b)


def test_both_are_documented_columns(extended: Built) -> None:
    arguments = ["show", "fct_execution_mmm_spine_weekly", "--project-dir", str(extended.data.parent), "--json"]
    columns = {column["name"]: column for column in json.loads(CliRunner().invoke(app, arguments).stdout)["columns"]}
    for name in ("kpi_ga_topups", "media_lm_rewards_per_day"):
        assert columns[name]["description"]


def expected_conversions(built: Built, kind: str) -> Counter[tuple[object, ...]]:
    """Users and moments of the events that are the conversion."""
    events = ledger.app_events(built)
    return Counter(
        {
            (event.user, event.ts): count
            for event, count in events.items()
            if event.kind == KINDS[kind] and (kind != "large_swap" or (event.amount or 0) >= LEAST)
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_conversion_kind_has_conversions(extended: Built, kind: str) -> None:
    expected = expected_conversions(extended, kind)
    assert expected
    conversions = f"intermediate.int_execution_gnosis_app_conversions WHERE conversion_kind = '{kind}'"
    assert Counter(extended.rows(f"SELECT user_pseudonym, conversion_ts FROM {conversions}")) == expected
    coverage = f"intermediate.int_execution_gnosis_app_coverage_daily WHERE conversion_kind = '{kind}'"
    assert extended.rows(f"SELECT sum(total_conversions) FROM {coverage}") == [(expected.total(),)]


@pytest.mark.parametrize("lookback", LOOKBACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_conversion_kind_has_journeys_and_credit(extended: Built, kind: str, lookback: int) -> None:
    """And never gives credit to its own event."""
    for mart in ("journeys", "attribution"):
        relation = f"marts.fct_execution_gnosis_app_{mart}_{lookback}d"
        kinds = {row[0] for row in extended.rows(f"SELECT event_kind FROM {relation} WHERE conversion_kind = '{kind}'")}
        assert kinds, relation
        assert KINDS[kind] not in kinds


def test_a_conversion_kind_of_card_wallets(extended: Built) -> None:
    expected = Counter((event.user, event.role, event.ts) for event in withdrawals(extended).elements())
    assert expected
    conversions = "intermediate.int_execution_gpay_conversions WHERE conversion_kind = 'gpay_withdrawn'"
    found = extended.rows(f"SELECT user_pseudonym, identity_role, conversion_ts FROM {conversions}")
    assert Counter(found) == expected
    for lookback in LOOKBACKS:
        mart = f"marts.fct_execution_gpay_attribution_{lookback}d WHERE conversion_kind = 'gpay_withdrawn'"
        kinds = {kind for (kind,) in extended.rows(f"SELECT event_kind FROM {mart}")}
        assert kinds
        assert "gp.withdrawal" not in kinds


def withdrawals(built: Built) -> Counter[ledger.PayEvent]:
    events = ledger.pay_events(built)
    return Counter({event: count for event, count in events.items() if event.kind == "gp.withdrawal"})


def test_the_other_conversion_kinds_stay_as_they_were(extended: Built, built: Built) -> None:
    conversions = "FROM intermediate.int_execution_gnosis_app_conversions"
    own = ", ".join(f"'{kind}'" for kind in KINDS)
    assert extended.rows(f"{conversions} WHERE conversion_kind NOT IN ({own}) ORDER BY ALL") == built.rows(
        f"{conversions} ORDER BY ALL"
    )
