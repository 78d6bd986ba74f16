"""Who is told what of a request, and what becomes of it: whatever the database answers, loses, or does too late.

Two replicas note requests and lose their connections at any place; a third one takes up what it finds. What people were
told must be true afterwards (docs/decisions/0410).
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.domain.errors import DatabaseAway, DatabaseInDoubt
from bot.ports import Request
from bot.store.database import Database
from bot.store.group_commit import WriteGroup, WriteInDoubt
from bot.store.requests import _NOTED, LEASE, RequestStore, _row, requests
from tests.fakes.databases import create_tables

BEGAN = 1_800_000_000.0
IDS = ("r-1", "r-1", "r-1", "r-2")
"""mostly deliveries of one: what goes wrong goes wrong between these"""
ASKED = (0, 1)
"""the replicas that people ask"""
Fate = Literal["answered", "not handed over", "refused", "written", "lost", "on its way"]
FATES: tuple[Fate, ...] = ("answered", "not handed over", "refused", "written", "lost", "on its way")
"""what becomes of a write; of the last three nobody hears anything"""
DRAWN = (*FATES, "written", "on its way")


@dataclass
class World:
    """One loop and one database for all that is drawn."""

    runner: asyncio.Runner
    database: Database


class Replicas(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.database = self.world.database
        self._run(self._forget())
        self.asked = [RequestStore(self.database, 30) for _ in ASKED]
        self.other = RequestStore(self.database, 30)
        self.now = BEGAN
        self.deliveries = 0
        self.told: dict[Request, str] = {}
        self.by: dict[Request, int] = {}
        self.died_since: set[Request] = set()
        """those of which the process that has asked can say nothing any more"""
        self.not_done: Counter[Request] = Counter()
        self.begun: Counter[Request] = Counter()
        self.working: list[Request] = []
        """what the other replica has begun and not done"""
        self.late: list[Request] = []
        """writes that nobody waits for, and that the database has not come to yet"""

    def _run(self, work: Any) -> Any:
        return self.world.runner.run(work)

    async def _forget(self) -> None:
        async with self.database.begin() as connection:
            await connection.execute(requests.delete())

    @initialize(answers_first=st.booleans())
    def begin(self, answers_first: bool) -> None:
        """Whether doubts end, when all is over, before the last late write has come."""
        self.answers_first = answers_first

    @rule(id=st.sampled_from(IDS), fate=st.sampled_from(DRAWN), form=st.booleans(), by=st.sampled_from(ASKED))
    def ask(self, id: str, fate: Fate, form: bool, by: int) -> None:
        known = next((one.kind for one in self.told if one.id == id), "submission" if form else "command")
        self.now += 0.25
        self.deliveries += 1
        request = Request(id, known, f"delivery {self.deliveries}", self.now)
        self.by[request] = by
        self.told[request] = self._run(self._noted(self.asked[by], request, fate))
        if self.told[request] == "taken":
            self.begun[request] += 1
            self._run(self._settle(request))

    async def _noted(self, store: RequestStore, request: Request, fate: Fate) -> str:
        real = store._notes._write

        async def write(group: WriteGroup[Request, bool]) -> Sequence[bool]:
            if fate == "not handed over":
                raise DatabaseAway("write", "no connection")
            if fate in ("answered", "written"):
                answer = await real(group)
            else:
                handed, answer = group.hand_over(), []
                self.late += handed if fate == "on its way" else []
            if fate == "refused":
                raise DatabaseAway("write", "read-only")
            if fate != "answered":
                raise WriteInDoubt("the connection broke")
            return answer

        store._notes._write = write
        try:
            return "taken" if await store.note(request) else "again"
        except DatabaseInDoubt:
            return "doubt"
        except DatabaseAway:
            return "refused"
        finally:
            store._notes._write = real

    @precondition(lambda self: self.late)
    @rule()
    def comes_late(self) -> None:
        self._run(self._write(self.late.pop(0)))

    async def _write(self, request: Request) -> None:
        async with self.database.begin(urgent=True) as connection:
            await connection.execute(_NOTED.on(connection), [_row(request)])

    @rule(by=st.sampled_from(ASKED))
    def hears_of_doubts(self, by: int) -> None:
        """The database answers a replica that was asked."""
        self.not_done.update(self._run(self.asked[by].resolve()))

    @rule(by=st.sampled_from(ASKED))
    def dies(self, by: int) -> None:
        self.died_since.update(one for one in self.told if self.by[one] == by)
        self.asked[by] = RequestStore(self.database, 30)

    @rule(seconds=st.sampled_from([1.0, LEASE + 1, LEASE + 1]))
    def others_look(self, seconds: float) -> None:
        """After a while, in which they say of what they work on that they still do."""
        self.now += seconds
        self._run(self.other.renew([one.id for one in self.working], self.now))
        for request in self._run(self.other.take(self.now, 10)):
            self.working.append(replace(request, tries=1))
            self.begun[self.working[-1]] += 1

    @precondition(lambda self: self.working)
    @rule()
    def others_end(self) -> None:
        self._run(self._settle(self.working.pop()))

    async def _settle(self, request: Request) -> None:
        await self.other._queue.settle([request.id], body="")

    @invariant()
    def what_was_said_is_true(self) -> None:
        for request, said in self.told.items():
            assert not (said == "refused" and self.begun[request]), "refused, and done"
            assert not (self.not_done[request] and self.begun[request]), "told as not done, and done"
            repeated = [one for one in self.begun if one.id == request.id and request.kind == "command"]
            assert not (self.not_done[request] and repeated), "told as not done, and done when Slack repeats it"
        assert all(times == 1 for times in self.begun.values())
        assert all(sum(self.begun[one] for one in self.told if one.id == id) <= 1 for id in IDS), "done twice"

    def teardown(self) -> None:
        if self.answers_first:
            self._answers()
        while self.late:
            self.comes_late()
        self._answers()
        while self.working:
            self.others_end()
        self.others_look(2 * LEASE)
        self.what_was_said_is_true()
        for request, said in self.told.items():
            self._ended(request, said)

    def _answers(self) -> None:
        for by in ASKED:
            self.hears_of_doubts(by)

    def _ended(self, request: Request, said: str) -> None:
        same = [one for one in self.told if one.id == request.id]
        if said == "taken":
            assert self.begun[request] == 1, "acknowledged, and lost"
        elif said != "refused" and request not in self.died_since:
            assert any(self.begun[one] or self.not_done[one] or one in self.died_since for one in same), (
                "nobody is told"
            )


@contextlib.contextmanager
def world() -> Iterator[World]:
    with asyncio.Runner() as runner:
        database = Database("sqlite://")
        runner.run(create_tables(database))
        try:
            yield World(runner, database)
        finally:
            runner.run(database.close())


def test_what_people_were_told_is_true() -> None:
    with world() as where:
        machine = type("Machine", (Replicas,), {"world": where})
        run_state_machine_as_test(machine, settings=settings(stateful_step_count=10))


HISTORIES: dict[str, Callable[[Replicas], object]] = {
    "another replica has begun it": lambda it: (
        it.ask("r-1", "written", False, 0), it.others_look(LEASE + 1), it.hears_of_doubts(0),
    ),
    "what is withdrawn comes late": lambda it: (
        it.ask("r-1", "on its way", True, 0), it.hears_of_doubts(0), it.comes_late(), it.others_look(2 * LEASE),
    ),
    "the earlier of two is withdrawn last": lambda it: (
        it.ask("r-1", "lost", True, 0), it.ask("r-1", "on its way", True, 1),
        it.hears_of_doubts(1), it.hears_of_doubts(0), it.comes_late(), it.others_look(2 * LEASE),
    ),
    "a second delivery of what was withdrawn": lambda it: (
        it.ask("r-1", "lost", False, 0), it.hears_of_doubts(0), it.ask("r-1", "answered", False, 1),
    ),
    "a second submission of what was done": lambda it: (
        it.ask("r-1", "answered", True, 0), it.ask("r-1", "answered", True, 1),
    ),
}  # fmt: skip
"""each is of one condition of the statements, which a few draws may miss"""


@pytest.mark.parametrize("history", HISTORIES)
def test_what_people_were_told_is_true_in(history: str) -> None:
    with world() as where:
        machine = type("Machine", (Replicas,), {"world": where})()
        machine.begin(True)
        HISTORIES[history](machine)
        machine.what_was_said_is_true()
        machine.teardown()
