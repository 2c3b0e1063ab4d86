"""The bundled starter stack on its demo data, built once by the first command a newcomer types; and the small shop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.build.workshop import Ended, Workshop, open_compiled

STARTER_DATABASE = "warehouse/starter.duckdb"


@dataclass(frozen=True)
class Starter:
    """An empty folder in which `measure build` was run, and what that said."""

    project: Workshop
    ended: Ended


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Starter:
    project = Workshop(tmp_path_factory.mktemp("empty"), STARTER_DATABASE)
    return Starter(project, project.run("build"))


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return open_compiled(tmp_path / "shop")


@pytest.fixture
def built(shop: Workshop) -> Workshop:
    shop.build()
    return shop
