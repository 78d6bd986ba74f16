"""Who is told what of a request, and what becomes of it: whatever the database answers, loses, or does too late.

One replica notes requests and loses its connection at any place; another one takes up what it finds. What people were
told must be true afterwards (docs/decisions/0410).
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot.domain.errors import DatabaseAway, DatabaseInDoubt
from bot.ports import Request
from bot.store.database import Database
from bot.store.group_commit import WriteGroup, WriteInDoubt
from bot.store.requests import LEASE, RequestStore, _row, requests
from tests.fakes.databases import create_tables

BEGAN = 1_800_000_000.0
IDS = ("r-1", "r-2")
Fate = Literal["answered", "not handed over", "refused", "written", "lost", "on its way"]
FATES: tuple[Fate, ...] = ("answered", "not handed over", "refused", "written", "lost", "on its way")
"""what becomes of a write; of the last three nobody hears anything"""


@dataclass
class World:
    """One loop and one database for all that is drawn."""

    runner: asyncio.Runner
    database: Database


class TwoReplicas(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.database = self.world.database
        self._run(self._forget())
        self.asking, self.other = RequestStore(self.database, 30), RequestStore(self.database, 30)
        self.now = BEGAN
        self.deliveries = 0
        self.told: dict[Request, str] = {}
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

    @rule(id=st.sampled_from(IDS), fate=st.sampled_from(FATES), form=st.booleans())
    def ask(self, id: str, fate: Fate, form: bool) -> None:
        known = next((one.kind for one in self.told if one.id == id), "submission" if form else "command")
        self.now += 0.25
        self.deliveries += 1
        request = Request(id, known, f"delivery {self.deliveries}", self.now)
        self.told[request] = self._run(self._noted(request, fate))
        if self.told[request] == "taken":
            self.begun[request] += 1
            self._run(self._settle(request))

    async def _noted(self, request: Request, fate: Fate) -> str:
        store, real = self.asking, self.asking._notes._write

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
            await connection.execute(self.asking._noting, [_row(request)])

    @rule(seconds=st.sampled_from([1.0, LEASE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self._run(self.other.renew([one.id for one in self.working], self.now))

    @rule()
    def hears_of_doubts(self) -> None:
        """The database answers the replica that was asked."""
        self.not_done.update(self._run(self.asking.resolve()))

    @rule()
    def dies(self) -> None:
        self.died_since.update(self.told)
        self.asking = RequestStore(self.database, 30)

    @rule()
    def others_look(self) -> None:
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
        assert all(times == 1 for times in self.begun.values())
        assert all(sum(self.begun[one] for one in self.told if one.id == id) <= 1 for id in IDS), "done twice"

    def teardown(self) -> None:
        while self.late:
            self.comes_late()
        self.hears_of_doubts()
        while self.working:
            self.others_end()
        self.now += 2 * LEASE
        self.others_look()
        self.what_was_said_is_true()
        for request, said in self.told.items():
            self._ended(request, said)

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
        machine = type("Replicas", (TwoReplicas,), {"world": where})
        run_state_machine_as_test(
            machine, settings=settings(max_examples=settings().max_examples // 4, stateful_step_count=12)
        )
