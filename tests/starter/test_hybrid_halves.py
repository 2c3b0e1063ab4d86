"""Journeys: a join for ordinary users, running sums for heavy ones. Where the line between them is changes nothing."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.oracle.attribution import Rules
from tests.starter.conftest import HEAVY_FROM
from tests.starter.project import Database, build
from tests.starter.relations import as_measured, assert_same_rows, attribution_project, built_rows, journey_rows
from tests.starter.strategies import EXCLUSIONS, Dataset, Story, adversarial, heavy_user, shuffled

ALL_HEAVY, BOTH, ALL_ORDINARY = 0, 400, 10**12


class Case(NamedTuple):
    dataset: Dataset
    builds: dict[int, Database]


def years_of_events(seed: int) -> Dataset:
    """Events over twelve years: at half a day of half-life, 2^(t / half-life) from one origin fits no double."""
    rng, story = random.Random(seed), Story()
    heavy_user(story, rng, "twelve years", 2_000, 60, days=4_383)
    heavy_user(story, rng, "one old day", 300, 30, days=1)
    for number in range(30):
        heavy_user(story, rng, f"ordinary {number}", 12, 4, days=4_383)
    return shuffled(story, rng)


DATASETS = {
    "everything hostile": adversarial(seed=5, users=80),
    "long history, other rules": replace(
        years_of_events(seed=6),
        rules=Rules(half_life_days=0.5, exclusions=EXCLUSIONS, include_touch_at_conversion=True),
        lookbacks=(1, 45, 60),
    ),
}


@pytest.fixture(scope="module", params=DATASETS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    dataset = DATASETS[request.param]
    builds = {}
    for threshold in (ALL_HEAVY, BOTH, ALL_ORDINARY):
        folder = attribution_project(tmp_path_factory.mktemp(f"threshold_{threshold}"), dataset)
        builds[threshold] = build(folder, heavy_user_threshold=threshold)
    return Case(dataset, builds)


def work_by_user(dataset: Dataset) -> dict[str, int]:
    """Touches x conversions of each user that has both."""
    staged = as_measured(dataset)
    touches = Counter(touch.user for touch in staged.touches)
    conversions = Counter(row.user for row in staged.conversions)
    return {user: touches[user] * conversions[user] for user in touches.keys() & conversions.keys()}


@pytest.mark.parametrize("name", DATASETS)
def test_the_middle_threshold_really_divides_the_users(name: str) -> None:
    work = work_by_user(DATASETS[name])
    assert sum(amount > 2 * BOTH for amount in work.values()) >= 1
    assert sum(amount < BOTH / 2 for amount in work.values()) >= 10


def test_the_adversarial_build_exercises_both_halves(dataset: Dataset) -> None:
    work = work_by_user(dataset)
    assert max(work.values()) > HEAVY_FROM
    assert sum(amount < HEAVY_FROM for amount in work.values()) >= 100


@pytest.mark.parametrize("threshold", [ALL_HEAVY, BOTH, ALL_ORDINARY])
def test_each_half_agrees_with_the_reference(case: Case, threshold: int) -> None:
    for lookback in case.dataset.lookbacks:
        built = built_rows(case.builds[threshold], f"marts.fct_journeys_{lookback}d", ("conversion_key", "event_kind"))
        assert_same_rows(built, journey_rows(case.dataset, lookback), f"{lookback} d, threshold {threshold}")


@pytest.mark.parametrize("threshold", [ALL_HEAVY, BOTH])
def test_marts_do_not_depend_on_the_threshold(case: Case, threshold: int) -> None:
    for lookback in case.dataset.lookbacks:
        relation, key = f"marts.fct_attribution_{lookback}d", ("conversion_kind", "event_kind")
        built = built_rows(case.builds[threshold], relation, key)
        assert_same_rows(built, built_rows(case.builds[ALL_ORDINARY], relation, key), f"{relation}, {threshold}")
