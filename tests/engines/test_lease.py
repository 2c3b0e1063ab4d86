"""One run at a time writes to a stack, on every engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engines.bench import Workplace
from tests.engines.lease_cases import CASES, Rivals


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
def test_the_lease(place: Workplace, case: Callable[[Rivals], None]) -> None:
    case(Rivals(place.engine, place.ddl))
