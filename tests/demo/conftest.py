"""The demo at three scales, generated once."""

from __future__ import annotations

import pytest

from measure_cli.demo.starter import generate
from tests.demo.generated import AS_OF, Demo, read


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return read(generate(tmp_path_factory.mktemp("demo"), as_of=AS_OF))


@pytest.fixture(scope="package")
def small(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return read(generate(tmp_path_factory.mktemp("small"), as_of=AS_OF, scale=0.1))


@pytest.fixture(scope="package")
def large(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Four times the shop, where effects stand clear of chance."""
    return read(generate(tmp_path_factory.mktemp("large"), as_of=AS_OF, scale=4))
