"""Those who wait, in memory: behind another promotion, and for the gates of one."""

from dataclasses import dataclass, field

from bot.domain.caller import Person
from bot.domain.promotion import Promotion
from bot.domain.queueing import Waiting
from bot.workflow.subscribers import Subscribers
from bot.workflow.turns import Queue


@dataclass
class MemoryQueue(Queue):
    waiting: list[tuple[Waiting, str]] = field(default_factory=list)

    async def add(self, waiting: Waiting, behind: Promotion) -> None:
        self.waiting.append((waiting, behind.id))


@dataclass
class MemorySubscribers(Subscribers):
    asked: set[tuple[str, str]] = field(default_factory=set)

    async def add(self, promotion: str, person: Person) -> None:
        self.asked.add((promotion, person.id))
