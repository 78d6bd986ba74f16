"""What a story needs of durable execution: steps that are remembered, waits that survive, signals that arrive once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec

from bot.domain.errors import PlanMismatch

T = TypeVar("T")

Json = Any
"""None, bool, int, float, str, list and dict of these: all that may cross into the journal."""


class Journal(Protocol):
    """One run of one story. Replayed from the start after a crash: finished steps return what they returned before."""

    async def step(self, name: str, do: Callable[[], Awaitable[Json]]) -> Json:
        """Run `do` at least once and remember what it returned under `name`, which is unique in the story."""
        ...

    async def receive(self, within: timedelta) -> Json:
        """The next signal, or None when none came in time."""
        ...

    async def sleep(self, duration: timedelta) -> None: ...

    async def now(self, name: str) -> datetime:
        """UTC, remembered under `name`: the same after a replay."""
        ...


class StoryEngine(Protocol):
    """Runs stories durably."""

    async def start(self, promotion_id: str, plan: Json) -> None:
        """Start a story; one of this id that exists already is left as it is."""
        ...

    async def signal(self, promotion_id: str, key: str, message: Json) -> None:
        """Send to a story that is under way; a second signal of the same key is not delivered."""
        ...

    async def stories(self, promotion_ids: Sequence[str]) -> Mapping[str, bool]:
        """Of these the stories that were ever started, each with whether nothing more comes of it: it ended, broke, or
        was given up.
        """
        ...


class Engine(StoryEngine, Protocol):
    """The whole of it: goes on, too, with what broke off, here or in another process."""

    async def take_up(self) -> int:
        """Go on with the stories of this process that are noted as under way and are told by nobody; how many."""
        ...

    async def take_over(self, replica: str) -> int:
        """Take up the unfinished stories of a replica that is gone; how many. Asking twice is harmless."""
        ...

    async def executors(self) -> frozenset[str]:
        """The replicas that unfinished stories are noted for, whether there still are such replicas or not."""
        ...


def pack(value: object) -> Json:
    """A domain value as plain JSON."""
    return msgspec.to_builtins(value, str_keys=True)


def unpack(data: Json, kind: type[T]) -> T:
    """The domain value that `pack` was given. Raises PlanMismatch for a journal that this story cannot continue."""
    try:
        return msgspec.convert(data, kind, str_keys=True)
    except msgspec.ValidationError as error:
        raise PlanMismatch(f"the journal does not hold a {kind}: {error}") from error
