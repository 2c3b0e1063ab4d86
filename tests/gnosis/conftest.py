"""The stack, built once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gnosis.project import Built, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    stack = build(tmp_path_factory.mktemp("gnosis"))
    yield stack
    stack.connection.close()
