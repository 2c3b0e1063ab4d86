"""The salt of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.refresh.visits import SALT


@pytest.fixture(scope="session", autouse=True)
def salt() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEASURE_PII_SALT", SALT)
        yield
