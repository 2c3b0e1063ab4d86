"""Neither the salt nor any value is part of a text that Snowflake receives, and so of its history of queries.

Texts and values are taken where the driver hands them over; `test_server` shows that they travel apart over HTTP, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from fakesnow.cursor import FakeSnowflakeCursor

from measure_cli.engines.snowflake_session import SnowflakeSession
from measure_cli.lease import own_name
from measure_cli.secrets import PII_IPAD, salted
from tests.engines.observed import heard, live
from tests.refresh.visits import SALT
from tests.snowflake.emulator import emulated

SECRETS = salted(SALT)
TARGET = 'type = "snowflake"\naccount = "acme"\nuser = "measure"\ndatabase = "ANALYTICS"'


def test_a_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_PII_SALT", SALT)
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # of two changes of a row the emulator fails one
    texts: list[str] = []
    bound: set[str] = set()
    original = FakeSnowflakeCursor.execute

    def received(self: FakeSnowflakeCursor, command: str, params: Any = None, *others: Any, **more: Any) -> Any:
        texts.append(command)
        bound.update(map(str, params or ()))
        return original(self, command, params, *others, **more)

    listening = mock.patch.object(FakeSnowflakeCursor, "execute", received)
    with emulated("LOCAL"), listening, heard(SnowflakeSession) as told:
        live(tmp_path / "shop", TARGET)
    text = "\n".join(texts)
    assert "fct_touched__batches" in text
    assert {"refresh", own_name(), "'fct_touched'"} <= told.telling(), "names count, too"
    assert told.leaked(text) == set()
    assert SECRETS.scrub(text) == text
    assert {own_name(), *SECRETS.bound([PII_IPAD]).values()} <= bound, "all of it went beside the text"
