"""What lies over the places of an overview: locks, freezes, drifts, and what starts there later."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from bot.domain.application import SyncStatus
from bot.domain.caller import Caller
from bot.domain.delivery import Drifted, Fact
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


class RecordSource(Protocol):
    async def latest(self, kind: str, apps: Collection[str] = ()) -> tuple[Fact, ...]:
        """The newest of a kind, of each of these apps, () for all, in each environment."""
        ...


@dataclass(frozen=True)
class Surroundings:
    held: HoldsSource
    queue: WaitingSource
    record: RecordSource

    async def around(self, rows: tuple[StatusRow, ...], caller: Caller) -> tuple[StatusRow, ...]:
        """The rows with what lies over each. Raises DatabaseAway."""
        holds, waiting = await self.held.holds(caller), await self.queue.waiting(caller)
        drifts = await self._drifts(rows)
        return tuple(_with(row, holds, waiting, drifts) for row in rows)

    async def _drifts(self, rows: tuple[StatusRow, ...]) -> Mapping[tuple[str, str], datetime]:
        """Since when they last, of what is OutOfSync now. Nobody is asked for it: it is on the delivery record."""
        differing = {(row.app, row.environment) for row in rows if _differs(row)}
        if not differing:
            return {}
        newest = await self.record.latest("drift", {app for app, _ in differing})
        lasting = [fact for fact in newest if isinstance(fact.detail, Drifted) and not fact.detail.over]
        return {place: fact.at for fact in lasting if (place := (fact.app, fact.environment)) in differing}


def _differs(row: StatusRow) -> bool:
    return row.application is not None and row.application.sync is SyncStatus.OUT_OF_SYNC


def _with(
    row: StatusRow, holds: Holds, waiting: tuple[Waiting, ...], drifts: Mapping[tuple[str, str], datetime]
) -> StatusRow:
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
        drifting_since=drifts.get((row.app, row.environment)),
    )
