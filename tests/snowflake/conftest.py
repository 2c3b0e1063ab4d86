from __future__ import annotations

from collections.abc import Iterator

import pytest

from measure_cli.engines.snowflake_session import SnowflakeEngine, SnowflakeSession
from tests.dialects.shop import Shop
from tests.snowflake.emulator import emulated, opened
from tests.snowflake.shop import SnowflakeShop


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnowflakeEngine]:
    with emulated(), opened(tmp_path_factory.mktemp("project")) as engine:
        yield engine


@pytest.fixture(scope="module")
def session(engine: SnowflakeEngine) -> Iterator[SnowflakeSession]:
    session = engine.session()
    yield session
    session.close()


@pytest.fixture(scope="module")
def shop(session: SnowflakeSession) -> SnowflakeShop:
    return SnowflakeShop(Shop(), session)
