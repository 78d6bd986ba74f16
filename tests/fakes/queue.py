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

    async def add(self, waiting: Waiting, behind: Promotion | None) -> None:
        self.waiting.append((waiting, behind.id if behind else ""))


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
