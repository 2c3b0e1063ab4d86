"""Funnels of the app against the reference of `tests.oracle.funnel`."""

from __future__ import annotations

import pytest

from tests.gnosis.project import Built
from tests.oracle import funnel as oracle

MONTH = 30 * 24 * 60 * 60
RELATION = "marts.fct_execution_gnosis_app_funnel_daily"
ENTRIES = {
    "onboard_swap_topup": "chain.onboard",
    "claim_swap_topup": "chain.token_offer_claim",
    "pageview_swap_topup": "mp.pageview",
    "modal_swap_topup": "mp.modal",
}


def test_names(built: Built) -> None:
    assert {name for (name,) in built.rows(f"SELECT DISTINCT funnel FROM {RELATION}")} == set(ENTRIES)


@pytest.mark.parametrize("funnel", ENTRIES)
def test_funnel(built: Built, funnel: str) -> None:
    events = "intermediate.int_execution_gnosis_app_user_events_unified"
    touches = [
        oracle.Event(user, ts, "touchpoint", kind)
        for user, ts, kind in built.rows(f"SELECT user_pseudonym, event_ts, event_kind FROM {events}")
    ]
    kinds = (ENTRIES[funnel], "chain.swap_filled", "chain.topup")
    steps = [oracle.FunnelStep("touchpoint", kind) for kind in kinds]
    expected = {
        (day, user): (entry.level, entry.entry_ts, entry.last_step_ts)
        for (day, (user, _)), entry in oracle.funnel_levels(touches, steps, MONTH).items()
    }
    columns = "entry_date, user_pseudonym, level, first_step_ts, last_step_ts"
    rows = built.rows(f"SELECT {columns} FROM {RELATION} WHERE funnel = '{funnel}'")
    assert len(rows) == len(expected)
    assert {(day, user): tuple(measures) for day, user, *measures in rows} == expected
    assert {level for level, _, _ in expected.values()} == {1, 2, 3}
