"""Builds that several test modules look at; each is made once."""

from __future__ import annotations

import pytest

from tests.starter.project import Database, build
from tests.starter.relations import attribution_project
from tests.starter.strategies import Dataset, adversarial

HEAVY_FROM = 100_000  # low enough that some users of the dataset are heavy and most are not


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return adversarial(seed=1)


@pytest.fixture(scope="session")
def database(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Database:
    folder = attribution_project(tmp_path_factory.mktemp("adversarial"), dataset)
    return build(folder, heavy_user_threshold=HEAVY_FROM)
