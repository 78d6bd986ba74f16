"""What lies over the places of an overview: locks, freezes, and what starts there later."""

from dataclasses import dataclass, replace
from typing import Protocol

from bot.domain.caller import Caller
from bot.domain.queueing import Waiting
from bot.domain.reply import Holds, StatusRow
from bot.queries.closed_windows import closest


class HoldsSource(Protocol):
    async def holds(self, caller: Caller) -> Holds:
        """What holds promotions back now, as far as the caller may see it."""
        ...


class WaitingSource(Protocol):
    async def waiting(self, caller: Caller) -> tuple[Waiting, ...]:
        """What waits for its time or its turn, as far as the caller may see it."""
        ...


@dataclass(frozen=True)
class Surroundings:
    held: HoldsSource
    queue: WaitingSource

    async def around(self, rows: tuple[StatusRow, ...], caller: Caller) -> tuple[StatusRow, ...]:
        """The rows with what lies over each. Raises DatabaseAway."""
        holds, waiting = await self.held.holds(caller), await self.queue.waiting(caller)
        return tuple(_with(row, holds, waiting) for row in rows)


def _with(row: StatusRow, holds: Holds, waiting: tuple[Waiting, ...]) -> StatusRow:
    locks = [one for one in holds.locks if one.covers(row.app, row.environment)]
    freezes = [one for one in holds.freezes if one.covers(row.app, row.environment)]
    mine = [
        one
        for one in waiting
        if not one.wish.notify
        and one.wish.environment == row.environment
        and row.app in (one.wish.named_apps or (row.app,))
    ]
    own = max(locks, key=lambda lock: bool(lock.app), default=None)
    return replace(
        row,
        lock=own,
        freeze=max(freezes, key=lambda one: one.until, default=None),
        closed=closest(holds.closed, row.app, row.environment),
        waiting=tuple(mine),
    )
