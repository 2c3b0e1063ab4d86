from __future__ import annotations

import pytest

from tests.dialects.shop import Shop


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()
