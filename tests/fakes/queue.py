"""Those who wait, in memory: behind another promotion, for the gates of one, for the end of a run."""

from dataclasses import dataclass, field

from bot.domain.caller import Person
from bot.domain.pipeline import PipelineRun
from bot.domain.promotion import Promotion
from bot.domain.queueing import Waiting
from bot.promotions.scheduler import Queue
from bot.promotions.subscribers import Subscribers
from bot.queries.runs import RunFollowing


@dataclass
class MemoryQueue(Queue):
    waiting: list[tuple[Waiting, str]] = field(default_factory=list)

    async def add(self, waiting: Waiting, behind: Promotion | None) -> Waiting | None:
        mine = [one for one, _ in self.waiting if (one.user, one.about) == (waiting.user, waiting.about)]
        self.waiting.append((waiting, behind.id if behind else ""))
        return mine[-1] if mine and not waiting.asks_the_same(mine[-1]) else None


@dataclass
class MemoryFollowing(RunFollowing):
    followed: list[tuple[str, str]] = field(default_factory=list)

    async def follow(self, run: PipelineRun, channel: str) -> None:
        self.followed.append((run.name, channel))


@dataclass
class MemorySubscribers(Subscribers):
    asked: set[tuple[str, str]] = field(default_factory=set)

    async def add(self, promotion: str, person: Person) -> None:
        self.asked.add((promotion, person.id))
