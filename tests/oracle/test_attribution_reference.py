"""Journeys, credits and marts small enough to work out on paper."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracle.attribution import (
    MODELS,
    UNATTRIBUTED,
    Conversion,
    Coverage,
    CreditRow,
    Rules,
    Touch,
    attribution,
    coverage,
    credit_ledger,
    excluded_touches,
    journeys,
)

NOON = datetime(2025, 3, 31, 12)
CONVERSION = Conversion("c1", "ann", NOON, "order", Decimal("30.00"))
MICRO = timedelta(microseconds=1)


def touches(*events: tuple[str, timedelta]) -> list[Touch]:
    return [Touch("ann", NOON - before, kind) for kind, before in events]


def ledger_of(found: list[Touch], rules: Rules | None = None, lookback: int = 30) -> list[CreditRow]:
    rules = rules or Rules()
    return credit_ledger([CONVERSION], journeys(found, [CONVERSION], lookback, rules), rules)


def shares(found: list[Touch], model: str, rules: Rules | None = None) -> dict[str, Fraction]:
    return {row.event_kind: row.credit[model] for row in ledger_of(found, rules)}


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.mark.parametrize(
    ("before", "counted"),
    [
        (-MICRO, False),
        (timedelta(0), False),
        (MICRO, True),
        (days(7) - MICRO, True),
        (days(7), True),
        (days(7) + MICRO, False),
    ],
)
def test_window_is_elapsed_time_with_its_lower_end_and_without_the_conversion(before: timedelta, counted: bool) -> None:
    found = journeys(touches(("Email", before)), [CONVERSION], 7, Rules())["c1"]
    assert (set(found) == {"Email"}) is counted


def test_touch_at_the_conversion_can_be_included_but_never_a_later_one() -> None:
    at_conversion = Rules(include_touch_at_conversion=True)
    assert journeys(touches(("Email", timedelta(0))), [CONVERSION], 7, at_conversion)["c1"]["Email"].td_sum == 1.0
    assert not journeys(touches(("Email", -MICRO)), [CONVERSION], 7, at_conversion)["c1"]


def test_journey_of_two_kinds() -> None:
    found = journeys(touches(("A", days(7)), ("B", days(14)), ("A", days(1.75))), [CONVERSION], 30, Rules())["c1"]
    assert {kind: entry.n_touches for kind, entry in found.items()} == {"A": 2, "B": 1}
    assert (found["A"].first_ts, found["A"].last_ts) == (NOON - days(7), NOON - days(1.75))
    assert found["A"].td_sum == pytest.approx(0.5 + 0.8408964152537145, abs=1e-15)
    assert found["B"].td_sum == 0.25


def test_only_the_same_user_and_role_touch() -> None:
    conversion = Conversion("c1", "ann", NOON, "order", role="owner")
    found = [Touch("ann", NOON - MICRO, "own", "owner"), Touch("ann", NOON - MICRO, "other role", "self")]
    found += [Touch("bob", NOON - MICRO, "other user", "owner"), Touch("ann", NOON - MICRO, "no role")]
    assert set(journeys(found, [conversion], 7, Rules())["c1"]) == {"own"}


def test_excluded_kind_is_left_out_and_counted() -> None:
    rules = Rules(exclusions=frozenset({("order", "checkout"), ("refund", "Email")}))
    found = touches(("checkout", days(1)), ("checkout", days(2)), ("Email", days(3)), ("checkout", days(40)))
    assert set(journeys(found, [CONVERSION], 30, rules)["c1"]) == {"Email"}
    assert excluded_touches(found, [CONVERSION], 30, rules) == {("order", "checkout"): 2}


def test_two_conversions_in_one_second_keep_their_own_journeys() -> None:
    pair = [CONVERSION, Conversion("c2", "ann", NOON, "order", Decimal("1"))]
    found = journeys(touches(("Email", days(1))), pair, 7, Rules())
    assert {key: set(kinds) for key, kinds in found.items()} == {"c1": {"Email"}, "c2": {"Email"}}


THREE_KINDS = touches(("A", days(14)), ("B", days(7)), ("B", days(7)), ("C", days(0.5)), ("A", days(3)))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first_touch", {"A": 1, "B": 0, "C": 0}),
        ("last_touch", {"A": 0, "B": 0, "C": 1}),
        ("linear", {"A": Fraction(2, 5), "B": Fraction(2, 5), "C": Fraction(1, 5)}),
        ("position_based", {"A": Fraction(7, 15), "B": Fraction(2, 15), "C": Fraction(2, 5)}),
        ("last_non_direct", {"A": 0, "B": 0, "C": 1}),
    ],
)
def test_credits_of_five_touches(model: str, expected: dict[str, Fraction]) -> None:
    assert shares(THREE_KINDS, model) == expected


def test_time_decay_halves_every_half_life() -> None:
    found = touches(("A", days(14)), ("B", days(7)))
    assert shares(found, "time_decay") == {"A": Fraction(1, 3), "B": Fraction(2, 3)}
    assert shares(found, "time_decay", Rules(half_life_days=3.5)) == {"A": Fraction(1, 5), "B": Fraction(4, 5)}


def test_time_decay_survives_weights_too_small_for_a_float() -> None:
    found = touches(("A", days(20)), ("B", days(20.01)))
    split = shares(found, "time_decay", Rules(half_life_days=0.01))
    assert float(split["A"]) == pytest.approx(2 / 3, abs=1e-12)
    assert sum(split.values()) == 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (touches(("A", days(1))), {"A": 1}),
        (touches(("A", days(2)), ("B", days(1))), {"A": Fraction(1, 2), "B": Fraction(1, 2)}),
        (touches(("A", days(2)), ("A", days(1))), {"A": 1}),
        (touches(("A", days(1)), ("B", days(1))), {"A": Fraction(1, 2), "B": Fraction(1, 2)}),
        (touches(("A", days(1)), ("A", days(1)), ("B", days(1))), {"A": Fraction(3, 5), "B": Fraction(2, 5)}),
        (touches(*[(kind, days(1)) for kind in "ABC"]), {kind: Fraction(1, 3) for kind in "ABC"}),
        (
            touches(("A", days(3)), ("B", days(3)), ("C", days(2)), ("A", days(1))),
            {"A": Fraction(13, 20), "B": Fraction(1, 4), "C": Fraction(1, 10)},
        ),
    ],
)
def test_position_based(found: list[Touch], expected: dict[str, Fraction]) -> None:
    assert shares(found, "position_based") == expected


def test_ties_share_the_credit_by_kind_and_not_by_touch() -> None:
    found = touches(("A", days(5)), ("A", days(5)), ("B", days(5)), ("C", days(1)))
    half = Fraction(1, 2)
    assert shares(found, "first_touch") == {"A": half, "B": half, "C": 0}
    assert {(row.is_first_tied, row.is_last_tied) for row in ledger_of(found)} == {(True, False)}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (touches(("Email", days(3)), ("Direct", days(1))), {"Email": 1, "Direct": 0}),
        (touches(("Direct", days(1))), {"Direct": 1}),
        (touches(("Direct", days(2)), ("Typed", days(1))), {"Direct": 0, "Typed": 1}),
        (touches(("Email", days(2)), ("Ads", days(2)), ("Direct", days(2))), {"Email": 0.5, "Ads": 0.5, "Direct": 0}),
    ],
)
def test_last_non_direct(found: list[Touch], expected: dict[str, Fraction]) -> None:
    rules = Rules(direct_kinds=frozenset({"Direct", "Typed"}))
    assert shares(found, "last_non_direct", rules) == expected


def test_conversion_without_a_touch_is_one_unattributed_row() -> None:
    [row] = ledger_of([])
    assert (row.event_kind, row.n_touches, set(row.credit.values())) == (UNATTRIBUTED, 0, {Fraction(1)})


def test_mart_counts_what_has_no_amount_and_leaves_out_what_is_outside_the_window() -> None:
    midnight = datetime(2025, 6, 30)
    conversions = [
        Conversion("first day", "ann", midnight - days(180), "order", Decimal("10.10")),
        Conversion("day before", "ann", midnight - days(180) - MICRO, "order", Decimal("99")),
        Conversion("no amount", "bob", midnight - MICRO, "order", None),
        Conversion("as_of", "ann", midnight, "order", Decimal("99")),
        Conversion("other kind", "ann", midnight - MICRO, "lead", Decimal("5")),
    ]
    found = [Touch("ann", midnight - days(181), "A"), Touch("bob", midnight - days(1), "A")]
    rules = Rules()
    marts = attribution(
        credit_ledger(conversions, journeys(found, conversions, 7, rules), rules), date(2025, 6, 30), 180
    )
    assert set(marts) == {("order", "A"), ("lead", UNATTRIBUTED)}
    orders, leads = marts["order", "A"], marts["lead", UNATTRIBUTED]
    assert (orders.conversions_with_touch, orders.total_conversions) == (2, 2)
    assert (leads.conversions_with_touch, leads.total_conversions) == (0, 1)
    assert [orders.credit[model] for model in MODELS] == [2.0] * 6
    assert [orders.amount[model] for model in MODELS] == [10.10] * 6


def test_mart_splits_conversions_over_kinds_and_repeats_their_total() -> None:
    conversions = [CONVERSION, Conversion("c2", "bob", NOON, "order", Decimal("1.50"))]
    rules, found = Rules(), [*THREE_KINDS, Touch("bob", NOON - days(1), "A")]
    marts = attribution(
        credit_ledger(conversions, journeys(found, conversions, 30, rules), rules), date(2025, 4, 1), 30
    )
    first, second = marts["order", "A"], marts["order", "B"]
    assert (first.conversions_with_touch, first.total_conversions) == (2, 2)
    assert (second.conversions_with_touch, second.total_conversions) == (1, 2)
    assert (first.credit["linear"], first.amount["linear"]) == (1.4, 13.5)
    assert (second.credit["last_touch"], second.amount["last_touch"]) == (0.0, 0.0)


def test_coverage_counts_conversions_users_and_ties() -> None:
    conversions = [
        CONVERSION,
        Conversion("c2", "ann", NOON + days(0.25), "order"),
        Conversion("c3", "bob", NOON, "order"),
        Conversion("c4", "ann", NOON + days(1), "order"),
        Conversion("c5", "ann", NOON, "lead"),
    ]
    rules, found = Rules(), touches(("A", days(7)), ("B", days(7)), ("B", days(6)))
    covered = coverage(credit_ledger(conversions, journeys(found, conversions, 7, rules), rules))
    assert covered == {
        (date(2025, 3, 31), "order"): Coverage(3, 2, 2, 1, first_tied=1, last_tied=0, any_tied=1),
        (date(2025, 4, 1), "order"): Coverage(1, 1, 1, 1, first_tied=0, last_tied=0, any_tied=0),
        (date(2025, 3, 31), "lead"): Coverage(1, 1, 1, 1, first_tied=1, last_tied=0, any_tied=1),
    }
