"""Durable execution in memory, with virtual time, and with crashes where a test wants them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.workflow.journal import Journal, Json

Story = Callable[[Journal, Json], Awaitable[Json]]


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Tape:
    """What the journal of one story holds: it survives crashes."""

    plan: Json
    steps: list[tuple[str, str]] = field(default_factory=list)
    inbox: list[tuple[str, Json]] = field(default_factory=list)
    taken: int = 0
    result: Json = None
    done: bool = False


@dataclass
class MemoryEngine:
    """`crash_before` and `crash_after` name the steps at which the process dies once, before or after their effect."""

    story: Story | None = None
    tapes: dict[str, Tape] = field(default_factory=dict)
    crash_before: set[str] = field(default_factory=set)
    crash_after: set[str] = field(default_factory=set)
    on_step: Callable[[str], None] = lambda name: None
    """told of each step right before it is run for the first time"""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _changed: dict[str, asyncio.Event] = field(default_factory=dict)
    _resting: dict[asyncio.Task[None], asyncio.Event] = field(default_factory=dict)

    def telling(self, story: Story) -> "MemoryEngine":
        """Itself, with the story that it tells from now on."""
        self.story = story
        return self

    async def start(self, promotion_id: str, plan: Json) -> None:
        if promotion_id not in self.tapes:
            self.tapes[promotion_id] = Tape(json.loads(json.dumps(plan)))
            self._run(promotion_id)

    async def take_up(self) -> int:
        """Nothing breaks off here but what a test breaks off."""
        return 0

    async def take_over(self, replica: str) -> int:
        raise AssertionError(f"there are no replicas here, and {replica} is none")

    async def executors(self) -> frozenset[str]:
        return frozenset()

    async def signal(self, promotion_id: str, key: str, message: Json) -> None:
        tape = self.tapes[promotion_id]
        if key not in {known for known, _ in tape.inbox}:
            tape.inbox.append((key, json.loads(json.dumps(message))))
        self._event(promotion_id).set()

    async def stories(self, promotion_ids: Sequence[str]) -> Mapping[str, bool]:
        return {id: self.tapes[id].done for id in promotion_ids if id in self.tapes}

    async def break_off(self, promotion_id: str) -> None:
        """Its story ends here, as one whose journal does not fit it: nothing is written down."""
        self._tasks[promotion_id].cancel()
        await asyncio.gather(self._tasks[promotion_id], return_exceptions=True)
        self.tapes[promotion_id].done = True

    async def lose(self, promotion_id: str) -> None:
        """The journal is gone, as after a file that was restored from yesterday."""
        await self.break_off(promotion_id)
        for kept in (self.tapes, self._tasks, self._changed):
            kept.pop(promotion_id, None)

    async def restart(self, story: Story) -> None:
        """The process starts again, and tells every story that had not ended by what it has loaded now."""
        await self.stop()
        self.story = story
        self._changed.clear()
        for promotion_id, tape in self.tapes.items():
            if not tape.done:
                self._run(promotion_id)
        await self.settle()

    async def settle(self) -> None:
        """Let every story go on until it is over or waits for a signal; crashed ones are started again."""
        while True:
            await asyncio.sleep(0.005)
            for promotion_id, task in list(self._tasks.items()):
                if task.done() and not self.tapes[promotion_id].done:
                    if not isinstance(task.exception(), Crash):
                        task.result()
                    self._run(promotion_id)
            if all(task.done() or id in self._waiting or task in self._resting for id, task in self._tasks.items()):
                return

    async def rest(self, seconds: float) -> None:
        """For steps that look again and again: the next look is when time has passed."""
        task = asyncio.current_task()
        assert task is not None
        self._resting[task] = asyncio.Event()
        try:
            await self._resting[task].wait()
        finally:
            del self._resting[task]

    async def pass_time(self, duration: timedelta) -> None:
        """Waits that end within `duration` end now."""
        self.now += duration
        for alarm in list(self._resting.values()):
            alarm.set()
        for event in self._changed.values():
            event.set()
        await asyncio.sleep(0.01)
        await self.settle()

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    @property
    def _waiting(self) -> set[str]:
        return {id for id, event in self._changed.items() if getattr(event, "waited_for", False)}

    def _event(self, promotion_id: str) -> asyncio.Event:
        return self._changed.setdefault(promotion_id, asyncio.Event())

    def _run(self, promotion_id: str) -> None:
        self._tasks[promotion_id] = asyncio.create_task(self._tell(promotion_id))

    async def _tell(self, promotion_id: str) -> None:
        assert self.story is not None
        tape = self.tapes[promotion_id]
        tape.result = await self.story(MemoryJournal(self, tape, self._event(promotion_id)), tape.plan)
        tape.done = True


class MemoryJournal:
    """One replay of one tape: finished steps answer from it, in order and by name."""

    def __init__(self, engine: MemoryEngine, tape: Tape, changed: asyncio.Event) -> None:
        self._engine = engine
        self._tape = tape
        self._changed = changed
        self._at = 0

    async def step(self, name: str, do: Callable[[], Awaitable[Json]]) -> Json:
        if self._at < len(self._tape.steps):
            recorded, result = self._tape.steps[self._at]
            assert recorded == name, f"the journal holds {recorded} where the story runs {name}"
        else:
            assert name not in {known for known, _ in self._tape.steps}, f"{name} stands twice in the story"
            self._engine.on_step(name)
            self._die(name, self._engine.crash_before)
            result = json.dumps(await do())
            self._die(name, self._engine.crash_after)
            self._tape.steps.append((name, result))
        self._at += 1
        return json.loads(result)

    async def receive(self, within: timedelta) -> Json:
        deadline = await self.now(f"receive@{self._at}") + within
        return await self.step(f"received@{self._at}", lambda: self._wait(deadline))

    async def sleep(self, duration: timedelta) -> None:
        deadline = await self.now(f"sleep@{self._at}") + duration
        await self.step(f"slept@{self._at}", lambda: self._until(deadline))

    async def now(self, name: str) -> datetime:
        async def read() -> str:
            return self._engine.now.isoformat()

        return datetime.fromisoformat(await self.step(name, read))

    async def _wait(self, deadline: datetime) -> Json:
        while True:
            if self._tape.taken < len(self._tape.inbox):
                self._tape.taken += 1
                return self._tape.inbox[self._tape.taken - 1][1]
            if self._engine.now >= deadline:
                return None
            await self._something()

    async def _until(self, deadline: datetime) -> Json:
        while self._engine.now < deadline:
            await self._something()

    async def _something(self) -> None:
        self._changed.clear()
        self._changed.waited_for = True  # type: ignore[attr-defined]
        try:
            await self._changed.wait()
        finally:
            self._changed.waited_for = False  # type: ignore[attr-defined]

    def _die(self, name: str, where: set[str]) -> None:
        if name in where:
            where.discard(name)
            raise Crash(name)
