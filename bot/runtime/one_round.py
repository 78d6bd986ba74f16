"""What several ask of the outside world within one round is asked once, and the answer is everybody's."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class _Round:
    answers: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)
    is_over: bool = False


_asking: set[asyncio.Task[Any]] = set()
"""a task that nobody holds may vanish"""
_round: ContextVar[_Round | None] = ContextVar("round", default=None)


@contextmanager
def one_round() -> Iterator[None]:
    """For what is asked inside, also by tasks that are begun there.

    A task that outlives it, as a promotion outlives the command that starts it, asks again from then on.
    """
    now = _Round()
    before = _round.set(now)
    try:
        yield
    finally:
        _round.reset(before)
        now.is_over = True


async def once(key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The answer of this round; outside of one, a fresh one. An error is an answer, too."""
    now = _round.get()
    if now is None or now.is_over:
        return await ask()
    if key not in now.answers:
        now.answers[key] = asking = asyncio.create_task(ask())
        _asking.add(asking)
        asking.add_done_callback(_heard)
    answer: Awaitable[T] = asyncio.shield(now.answers[key])  # one who gives up leaves the answer to the others
    return await answer


def _heard(answer: asyncio.Task[Any]) -> None:
    """So that an error that nobody waited for is not logged as one that was missed."""
    _asking.discard(answer)
    if not answer.cancelled():
        answer.exception()
