"""A small project through its life on one target, and what sessions were told: texts and values apart.

`python -m tests.engines.observed FOLDER` lives it on chDB, with a log of queries, and writes both down in the folder.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from measure_cli.types import Statement
from tests.engines.http_bridge import CONFIG
from tests.refresh.forked import DUCKDB_TARGET
from tests.refresh.visits import Rows, VisitShop, open_visits

VISITS = (("ann", datetime(2024, 1, 3), "mail"), ("bob", datetime(2024, 2, 3), "search"))
ORDERS = (
    (1, "ann", datetime(2024, 1, 5), 10),
    (2, "bob", datetime(2024, 2, 5), 20),
    (3, "ann", datetime(2024, 3, 5), 30),
)
TWICE = ((4, "bob", datetime(2024, 3, 9), 40), (4, "bob", datetime(2024, 4, 9), 50))  # an audit refuses them
LEAST = 4  # shorter values are found anywhere
LOG = "SELECT * EXCEPT ProfileEvents FROM system.query_log FORMAT TSVRaw"


@dataclass
class Told:
    """What sessions were told: the texts of statements before anything was bound, what was, and the names of that."""

    texts: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def hear(self, statement: Statement) -> None:
        rows: Sequence[Mapping[str, Any]] = getattr(statement, "rows", ())
        self.texts.append(statement.sql)
        for row in (statement.parameters, *rows):
            self.names += row
            self.values += (str(value) for value in row.values() if value is not None)

    def leaked(self, text: str) -> set[str]:
        """The values that stand in a text. One that the program names, too, must not be there as a literal."""
        for name in set(self.names):
            text = text.replace(f"['{name}']", "")
        return {value for value in self.telling() if value in text}

    def telling(self) -> set[str]:
        """What must not be found anywhere."""
        program = "\n".join(self.texts)
        long = {value for value in self.values if len(value) >= LEAST and not value.isdigit()}
        shown = {value if value not in program else f"'{value}'" for value in long}
        return {text for text in shown if text not in program}


@contextmanager
def heard(session_type: type) -> Iterator[Told]:
    """Hear what sessions are told, while they do it."""
    told = Told()

    def listening(method: str) -> Any:
        original = getattr(session_type, method)

        def tell(self: Any, statement: Statement) -> Any:
            told.hear(statement)
            return original(self, statement)

        return tell

    with pytest.MonkeyPatch.context() as patch:
        for method in ("execute", "query"):
            patch.setattr(session_type, method, listening(method))
        yield told


def live(folder: Path, target: str) -> VisitShop:
    """Build, refresh what changed, audit."""
    shop = open_visits(folder, Rows(VISITS, ORDERS))
    shop.replace("measure.toml", DUCKDB_TARGET, target)
    shop.build()
    shop.give(Rows(VISITS, (*ORDERS, *TWICE[:1])))
    shop.refresh()
    assert shop.measure("audit").exit_code == 0
    return shop


def live_and_fail(folder: Path, target: str) -> None:
    """After that, refresh what an audit refuses."""
    shop = live(folder, target)
    shop.give(Rows(VISITS, (*ORDERS, *TWICE)))
    shop.refresh(exit_code=1)


def live_on_chdb(folder: Path) -> None:
    """The life on chDB. The first handle says what the engine of this process logs."""
    import chdb

    from measure_cli.engines.clickhouse_session import ClickHouseSession

    (folder / "config.xml").write_text(CONFIG, encoding="utf-8")
    target = f"{folder / 'data'}?config-file={folder / 'config.xml'}"
    with closing(chdb.connect(target)) as anchor, heard(ClickHouseSession) as told:  # type: ignore[no-untyped-call]
        live_and_fail(folder / "shop", f'type = "clickhouse"\nurl = "chdb://{folder / "data"}"')
        anchor.query("SYSTEM FLUSH LOGS")
        (folder / "log").write_bytes(anchor.query(LOG).bytes())
    (folder / "told").write_text(json.dumps(asdict(told)), encoding="utf-8")


if __name__ == "__main__":
    live_on_chdb(Path(sys.argv[1]))
