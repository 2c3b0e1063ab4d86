"""A fresh project, and the same project once it is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import Workshop, open_compiled


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return open_compiled(tmp_path / "shop")


@pytest.fixture
def built(shop: Workshop) -> Workshop:
    shop.build()
    return shop
