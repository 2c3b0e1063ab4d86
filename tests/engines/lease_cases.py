"""What a lease has to do on every engine. Each case has a stack of its own; nobody waits for a lease to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from measure_cli.claims import Claim
from measure_cli.connecting import session_of
from measure_cli.ddl.base import Ddl
from measure_cli.errors import EngineError, LeaseLost, TargetBusy
from measure_cli.events import Notice, RunEvent
from measure_cli.lease import FencedEngine, Terms, acquire, held_lease, look, taken
from measure_cli.ports import Engine
from measure_cli.types import Statement

NUMBER = count(1)
SERVER = Terms(is_embedded=False)
THREADS = 8


@dataclass
class Rivals:
    """Runs that want the lease of one stack, on an engine that is a server to them."""

    engine: Engine
    ddl: Ddl
    stack: str = field(default_factory=lambda: f"stack {next(NUMBER)}")
    told: list[RunEvent] = field(default_factory=list)

    def claim(self, who: str) -> Claim:
        return Claim(self.stack, f"token of {who}", f"run of {who}", f"{who}@host pid 7", "build", 60_000)

    @contextmanager
    def holds(self, who: str, terms: Terms = SERVER) -> Iterator[FencedEngine]:
        with held_lease(self.engine, self.ddl.lease(), self.claim(who), terms, self.told.append) as engine:
            yield engine

    def dies(self, who: str) -> None:
        """A run takes the lease and is not heard of again."""
        with session_of(self.engine) as session:
            acquire(session, self.ddl.lease(), self.claim(who), SERVER, self.told.append)

    def time_passes(self, who: str) -> None:
        """The lease of a run that was not heard of ends."""
        with session_of(self.engine) as session:
            session.execute(self.ddl.lease().renew(replace(self.claim(who), milliseconds=0)))

    def holder(self) -> str | None:
        with session_of(self.engine) as session:
            return look(session, self.ddl.lease(), self.claim("anybody"))[0].holder

    def table(self, name: str) -> str:
        """An empty table."""
        place = self.ddl.place("lease_cases")
        written = self.ddl.name(place, name)
        with session_of(self.engine) as session:
            session.execute(self.ddl.create_schema(place))
            session.execute(self.ddl.drop(written, "table"))
            session.execute(self.ddl.state_table(written, {"who": "VARCHAR"}))
        return written

    def rows(self, table: str) -> list[str]:
        with session_of(self.engine) as session:
            return sorted(row[0] for row in session.query(Statement(f"SELECT who FROM {table}")).rows)


def one_run_at_a_time(rivals: Rivals) -> None:
    with (
        rivals.holds("ann"),
        pytest.raises(TargetBusy, match=r"measure build of ann@host pid 7 \(run run of ann\)") as busy,
    ):
        rivals.dies("bob")
    assert busy.value.exit_code == 3
    assert "its lease ends at" in str(busy.value.hint)
    with rivals.holds("bob"):
        assert rivals.holder() == "bob@host pid 7"
    assert rivals.told == [], "ann gave the lease back"


def other_stacks_are_free(rivals: Rivals) -> None:
    with rivals.holds("ann"), Rivals(rivals.engine, rivals.ddl).holds("bob"):
        assert rivals.holder() == "ann@host pid 7"


def a_dead_run_blocks_nobody_for_ever(rivals: Rivals) -> None:
    rivals.dies("ann")
    with pytest.raises(TargetBusy):
        rivals.dies("bob")
    rivals.time_passes("ann")
    with rivals.holds("bob"):
        assert rivals.holder() == "bob@host pid 7"
    (notice,) = rivals.told
    assert isinstance(notice, Notice)
    assert "measure build of ann@host pid 7 (run run of ann) was last heard of at" in notice.text


def a_living_run_renews(rivals: Rivals) -> None:
    with rivals.holds("ann", replace(SERVER, interval=0.05)), session_of(rivals.engine) as session:
        rivals.time_passes("ann")
        while not look(session, rivals.ddl.lease(), rivals.claim("anybody"))[0].is_live:
            time.sleep(0.01)
        with pytest.raises(TargetBusy):
            rivals.dies("bob")


def a_run_that_was_paused_writes_nothing(rivals: Rivals) -> None:
    """Ann sleeps for longer than her lease, and wakes up while Bob is at work."""
    table = rivals.table("paused")
    insert = Statement(f"INSERT INTO {table} (who) VALUES ('ann')")
    with rivals.holds("ann") as asleep:
        session = asleep.session()
        session.transaction([insert])
        session.execute(insert)
        rivals.time_passes("ann")
        with rivals.holds("bob") as awake:
            with pytest.raises(
                LeaseLost, match=r"silent for more than 60 s and has lost its lease to measure build of b"
            ):
                session.execute(insert)
            with pytest.raises(LeaseLost):
                session.transaction([insert, insert])
            with session_of(awake) as his:
                his.execute(Statement(f"INSERT INTO {table} (who) VALUES ('bob')"))
        with pytest.raises(LeaseLost):
            session.execute(insert)
        session.close()
    assert rivals.rows(table) == ["ann", "ann", "bob"]
    with session_of(rivals.engine) as after:
        assert not look(after, rivals.ddl.lease(), rivals.claim("ann"))[0].is_live, "bob gave it back, not ann"


def an_error_of_the_statement_stays_itself(rivals: Rivals) -> None:
    wrong = Statement("SELECT nothing FROM nowhere.at_all")
    with rivals.holds("ann") as engine, session_of(engine) as session:
        with pytest.raises(EngineError, match=r"(?i)nowhere") as alone:
            session.execute(wrong)
        with pytest.raises(EngineError, match=r"(?i)nowhere") as raised:
            session.transaction([wrong])
        assert not isinstance(alone.value, LeaseLost)
        assert not isinstance(raised.value, LeaseLost)
        assert raised.value.statement is wrong


def a_database_of_one_process_knows_its_dead(rivals: Rivals) -> None:
    alone = Terms(is_embedded=True)
    rivals.dies("ann")
    with rivals.holds("bob", terms=alone):
        with pytest.raises(TargetBusy, match="bob@host"), rivals.holds("cy", terms=alone):
            pass
        assert rivals.holder() == "bob@host pid 7"
    assert len(rivals.told) == 1


def of_many_at_once_one_wins(rivals: Rivals) -> None:
    """The statements alone decide, whatever locks a process has: as from so many machines."""
    for _ in range(5):
        stack = Rivals(rivals.engine, rivals.ddl)
        with session_of(stack.engine) as session:
            for statement in stack.ddl.lease().prepare(stack.claim("nobody")):
                session.execute(statement)
        winners: list[int] = []
        start = threading.Barrier(THREADS)

        def race(
            number: int, stack: Rivals = stack, winners: list[int] = winners, start: threading.Barrier = start
        ) -> None:
            claim, statements = stack.claim(str(number)), stack.ddl.lease()
            with session_of(stack.engine) as session:
                start.wait()
                taken(session, statements.take(claim, 0))
                if look(session, statements, claim)[0].token == claim.token:
                    winners.append(number)

        threads = [threading.Thread(target=race, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) == 1


def who_was_slow_finds_out(rivals: Rivals) -> None:
    """Zoe saw that the lease was free, slept, and acts on it after two others have had it."""
    with rivals.holds("ann"):
        pass
    with rivals.holds("bob") as engine, session_of(engine) as his, session_of(rivals.engine) as session:
        statements, slow = rivals.ddl.lease(), rivals.claim("zoe")
        taken(session, statements.take(slow, 0))
        assert look(session, statements, slow)[0].token != slow.token
        his.execute(Statement("SELECT 1"))


CASES = (
    one_run_at_a_time,
    other_stacks_are_free,
    a_dead_run_blocks_nobody_for_ever,
    a_living_run_renews,
    a_run_that_was_paused_writes_nothing,
    an_error_of_the_statement_stays_itself,
    a_database_of_one_process_knows_its_dead,
    of_many_at_once_one_wins,
    who_was_slow_finds_out,
)
