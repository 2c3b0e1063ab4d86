"""How a staged relation takes the place of a published one, and what is left when something fails."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from measure_cli.connecting import session_of
from measure_cli.errors import EngineError
from measure_cli.types import ModelConfig, Statement
from tests.engines.bench import Workplace

COLUMNS = (("id", "BIGINT"), ("version", "BIGINT"))
ROWS = 1000


def select_of(version: int) -> str:
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    return (
        f"SELECT a.d + 10 * b.d + 100 * c.d AS id, {version} AS version "
        f"FROM ({digits}) AS a CROSS JOIN ({digits}) AS b CROSS JOIN ({digits}) AS c"
    )


def stage(place: Workplace, version: int) -> None:
    place.run(*place.ddl.table(place.name("fct__next"), COLUMNS, select_of(version), ModelConfig(order_by=("id",))))


def publish(place: Workplace) -> None:
    staged, published = place.name("fct__next"), place.name("fct")
    place.session.transaction(place.ddl.publish_table(staged, published, "fct", place.kinds().get("fct")))
    place.run(*place.ddl.tidy(staged, as_view=False))


def versions(place: Workplace) -> list[tuple[object, ...]]:
    return list(place.query(f"SELECT count(*) AS n, max(version) AS v FROM {place.name('fct')}").rows)


def test_the_first_and_the_next_version(place: Workplace) -> None:
    for version in (1, 2, 3):
        stage(place, version)
        publish(place)
        assert versions(place) == [(ROWS, version)]
        assert place.kinds() == {"fct": "table"}


def test_columns_may_change(place: Workplace) -> None:
    stage(place, 1)
    publish(place)
    columns = (*COLUMNS, ("added", "BIGINT"))
    select = f"SELECT id, version, 7 AS added FROM ({select_of(2)}) AS one"
    place.run(*place.ddl.table(place.name("fct__next"), columns, select, ModelConfig()))
    publish(place)
    assert list(place.engine.columns(place.written("fct"))) == ["id", "version", "added"]


def test_a_table_takes_the_place_of_a_view(place: Workplace) -> None:
    place.run(place.ddl.view(place.name("fct"), COLUMNS, "SELECT 1 AS id, 0 AS version"))
    stage(place, 1)
    publish(place)
    assert place.kinds() == {"fct": "table"}
    assert versions(place) == [(ROWS, 1)]


@pytest.mark.parametrize("existing", ["table", "view", None])
def test_a_view_takes_the_place_of_anything(place: Workplace, existing: str | None) -> None:
    if existing == "table":
        stage(place, 1)
        publish(place)
    elif existing == "view":
        place.run(place.ddl.view(place.name("fct"), (("other", "BIGINT"),), "SELECT 1 AS other"))
    staged, published = place.name("fct__next"), place.name("fct")
    place.run(place.ddl.view(staged, COLUMNS, "SELECT 1 AS id, 8 AS version"))
    place.session.transaction(
        place.ddl.publish_view(staged, published, COLUMNS, "SELECT 1 AS id, 9 AS version", existing)
    )
    place.run(*place.ddl.tidy(staged, as_view=True))
    assert place.kinds() == {"fct": "view"}
    assert versions(place) == [(1, 9)]


def test_a_failing_statement_keeps_the_published_version(place: Workplace) -> None:
    stage(place, 1)
    publish(place)
    with pytest.raises(EngineError):
        place.run(*place.ddl.table(place.name("fct__next"), COLUMNS, "SELECT id FROM no_such_table", ModelConfig()))
    assert versions(place) == [(ROWS, 1)]
    stage(place, 2)
    publish(place)
    assert versions(place) == [(ROWS, 2)]


def test_the_statement_that_fails_is_named(place: Workplace) -> None:
    good, bad = Statement("SELECT 1"), Statement("SELECT no_such_column")
    with pytest.raises(EngineError) as caught:
        place.session.transaction([good, bad])
    assert caught.value.statement is bad


def test_readers_see_one_version_or_the_other(place: Workplace) -> None:
    """Another session reads while versions change: never a missing table, never a part of one."""
    stage(place, 0)
    publish(place)
    seen: set[object] = set()
    problems: list[Exception] = []
    stop = threading.Event()

    def read(query: Callable[[], list[tuple[object, ...]]]) -> None:
        while not stop.is_set():
            try:
                seen.update(query())
            except Exception as error:  # told to the test, whatever it is
                problems.append(error)
                return

    with session_of(place.engine) as other:
        sql = Statement(f"SELECT count(*) AS n, min(version) = max(version) AS is_one FROM {place.name('fct')}")
        reader = threading.Thread(
            target=read, args=(lambda: [(int(n), bool(one)) for n, one in other.query(sql).rows],)
        )
        reader.start()
        for version in range(1, 15):
            stage(place, version)
            publish(place)
        stop.set()
        reader.join()
    assert problems == []
    assert seen == {(ROWS, True)}


def test_descriptions_are_kept_by_the_engine(place: Workplace) -> None:
    stage(place, 1)
    publish(place)
    place.run(place.ddl.view(place.name("shown"), COLUMNS, f"SELECT * FROM {place.name('fct')}"))
    text = 'It\'s 100 % \\ "sure" -- {a:String} $a;\nand more'
    for name, as_view in (("fct", False), ("shown", True)):
        place.run(*place.ddl.comments(place.name(name), as_view, text, {"id": text}))
        assert place.ddl.comments(place.name(name), as_view, "", {}) == []
    assert versions(place) == [(ROWS, 1)]


def test_failures_are_kept_with_unknown_columns(place: Workplace) -> None:
    for version in (1, 2):
        place.run(*place.ddl.keep(place.name("kept"), f"SELECT {version} AS what, 'x' AS why", ()))
    assert place.rows("kept") == [(2, "x")]


def test_what_is_not_there(place: Workplace) -> None:
    assert place.engine.columns(place.written("nothing")) == {}
    assert place.engine.columns("no_such_place.nothing") == {}
    place.run(place.ddl.drop(place.name("nothing"), "table"), place.ddl.drop(place.name("nothing"), "view"))


def test_a_fingerprint_changes_with_a_row(place: Workplace) -> None:
    columns = (("a", "VARCHAR"), ("b", "BIGINT"))
    found = set()
    tables: tuple[list[tuple[str | None, int | None]], ...] = (
        [],
        [("x", 1)],
        [("x", 2)],
        [("x", None)],
        [(None, 1)],
        [("x", 1), ("x", 1)],
        [("x", 1), (None, None)],
        [("x", 1), (None, None), (None, None)],
    )
    for rows in tables:
        place.run(*place.ddl.rows(place.name("seen"), columns, [dict(zip("ab", row, strict=True)) for row in rows]))
        found.add(place.engine.fingerprint(place.written("seen")))
    assert len(found) == len(tables)
    backwards = [dict(zip("ab", row, strict=True)) for row in reversed(tables[-1])]
    place.run(*place.ddl.rows(place.name("seen"), columns, backwards))
    assert place.engine.fingerprint(place.written("seen")) in found
