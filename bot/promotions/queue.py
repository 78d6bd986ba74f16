"""The queue of wishes: started in order, each when what stood in its way has ended."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import DatabaseAway, NotFound, PromotionInProgress, UserError
from bot.domain.intent import Rollback
from bot.domain.promotion import Plan, Promotion, Stage
from bot.domain.queueing import Waiting, is_closed, what
from bot.ports import Directory
from bot.promotions.promotions import OlderImage, Promotions
from bot.promotions.scheduler import Queue
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.audit import Audit, AuditEntry
from bot.store.database import Database
from bot.store.promotions import PromotionStore
from bot.store.queue import QueueStore

log = structlog.get_logger(__name__)

PATIENCE = timedelta(days=1)
"""How long a wish may wait: what was wanted yesterday may surprise today."""
OPEN_PATIENCE = timedelta(days=14)
"""the same for one that waits until nothing holds it"""
GLASS_PATIENCE = timedelta(minutes=5)
"""the same for broken glass, which waits only until what it replaces has ended: what was shown is of then"""
SOON = timedelta(minutes=10)
"""how long before its time whoever asked is told"""
LOOK_EVERY = timedelta(minutes=1)
"""between two looks whether something is open by now"""
Place = tuple[str, str]
"""app ("" is any) and environment"""


class Withdrawn(Exception):
    """It waits no longer: somebody took it off, or the person waits for something newer."""


class QueueNews(Protocol):
    """Told once, and only if the caller's transaction commits."""

    async def started(self, connection: AsyncConnection, waiting: Waiting, promotion: Promotion) -> None: ...

    async def dropped(self, connection: AsyncConnection, waiting: Waiting, sentence: str) -> None: ...

    async def older(self, connection: AsyncConnection, waiting: Waiting, plan: Plan) -> None:
        """It does not start before its asker confirms that it goes back to an older image."""
        ...

    async def unhindered(self, connection: AsyncConnection, waiting: Waiting, promotion: Promotion) -> None:
        """Nothing holds it back; it starts when its asker presses."""
        ...

    async def soon(self, connection: AsyncConnection, waiting: Waiting) -> None:
        """Its time comes; told once, however often this is called."""
        ...


@dataclass(frozen=True)
class PromotionQueue(Queue):
    """Whoever waits is authorised again when their turn comes, by the policy and the groups of that moment."""

    database: Database
    store: QueueStore
    live: PromotionStore
    audit: Audit
    promotions: Promotions
    directory: Directory
    news: QueueNews
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now
    looked: dict[str, datetime] = field(default_factory=dict)
    """request id → when it was last looked at whether it is open"""

    async def add(self, waiting: Waiting, behind: Promotion | None) -> Waiting | None:
        wish = waiting.wish
        detail: dict[str, object] = {"wish": what(wish)}
        if behind:
            detail |= {"behind": behind.id, "replacing": waiting.first}
        if wish.waits_for_its_time:
            detail |= {"at": wish.start_at.isoformat() if wish.start_at else "when it is open"}
        key, ahead = f"queued:{wish.context.request_id}", behind.id if behind else ""
        entry = AuditEntry("queued", waiting.user, wish.named_apps, wish.environment, ahead, detail, key)
        async with self.database.begin() as connection:
            if wish.context.again and await self.audit.recorded(connection, key):
                return None  # it waits, or has started, or was taken off since
            before = await self.store.add(connection, waiting)
            await self.audit.append(connection, entry)
        return before if before and not waiting.asks_the_same(before) else None

    async def start_next(self) -> int:
        """Start everything whose turn has come; how many. What cannot be asked now is tried at the next call."""
        live = [promotion for promotion in await self.live.all_live() if not promotion.only_watched]
        taken = {place for promotion in live for place in _places(promotion)}
        followed = {place for promotion in live if promotion.stage is Stage.FOLLOW for place in _places(promotion)}
        waited: set[Place] = set()
        started = 0
        for waiting in await self.store.all():
            if not await self._may_start(waiting):
                continue  # nobody waits for what is not due
            apps = waiting.wish.named_apps
            mine = {(app, waiting.wish.environment) for app in apps or ("",)}
            # A rollback need not wait for what is only followed; whether it leads back its plan says.
            ahead = taken - followed if isinstance(waiting.wish, Rollback) else taken
            if waiting.wish.notify:  # holds nobody up
                if not _meet(mine, ahead):
                    await self._notify(waiting)
                continue
            if not _meet(mine, ahead | waited):
                started += await self._try(waiting)
            elif not apps:
                continue  # it waits until nothing is under way there; nobody waits for that
            waited |= mine  # whether it has started or waits on: nobody overtakes it
        return started

    async def _may_start(self, waiting: Waiting) -> bool:
        """Whether its time has come, and nothing keeps it waiting that it was to wait for."""
        start, now = waiting.wish.start_at, self.clock()
        if start and start - SOON <= now < start:
            async with self.database.begin() as connection:
                await self.news.soon(connection, waiting)
        if start and now < start:
            return False
        return not waiting.wish.when_open or await self._is_open(waiting, now)

    async def _is_open(self, waiting: Waiting, now: datetime) -> bool:
        """What cannot be told now is looked at again; what can no longer start is told when it is tried."""
        id = waiting.wish.context.request_id
        if now - waiting.since > OPEN_PATIENCE or now - self.looked.get(id, waiting.since - LOOK_EVERY) < LOOK_EVERY:
            return now - waiting.since > OPEN_PATIENCE
        self.looked[id] = now
        try:
            caller = await self.directory.caller(waiting.user, waiting.team)
            open_ = not is_closed(await self.promotions.preview(waiting.wish, caller))
        except (UserError, NotFound):
            open_ = True
        except Exception as error:  # noqa: BLE001 (one wish that cannot be looked at must not stop the others)
            log.warning("schedule.not_looked", user=waiting.user, error=repr(error))
            return False
        if open_:
            self.looked.pop(id, None)
        return open_

    async def _notify(self, waiting: Waiting) -> None:
        """That nothing holds it back, or why it never will. What cannot be asked now is tried at the next call."""
        if await self._too_late(waiting):
            return
        try:
            caller = await self.directory.caller(waiting.user, waiting.team)
            promotion = await self.promotions.preview(waiting.wish, caller)
        except UserError as error:
            await self._drop(waiting, error.sentence)
        except NotFound:
            await self._drop(waiting, "Slack no longer knows your account.")
        except Exception as error:  # noqa: BLE001 (as above)
            log.warning("queue.not_looked", user=waiting.user, error=repr(error))
        else:
            async with self.database.begin() as connection:
                if await self.store.remove(connection, waiting):
                    await self.news.unhindered(connection, waiting, promotion)

    async def _too_late(self, waiting: Waiting) -> bool:
        late = self.clock() - (waiting.wish.start_at or waiting.since) > _patience(waiting)
        if late:
            wish = waiting.wish
            waited = "five minutes" if wish.breaks_glass else "two weeks" if wish.when_open else "a day"
            await self._drop(waiting, f"It has waited for {waited}. Ask again if you still need it.")
        return late

    async def _try(self, waiting: Waiting) -> bool:
        if await self._too_late(waiting):
            return False
        try:
            caller = await self.directory.caller(waiting.user, waiting.team)
            # Started before it is taken out of the queue: whatever dies in between, the same request starts nothing
            # twice.
            promotion = await self.promotions.start(waiting.wish, caller, partial(self._claim, waiting))
        except (PromotionInProgress, Withdrawn):
            return False
        except OlderImage as older:
            await self._ask(waiting, older.plan)
            return False
        except UserError as error:
            await self._drop(waiting, error.sentence)
            return False
        except NotFound:
            await self._drop(waiting, "Slack no longer knows your account.")
            return False
        except DatabaseAway:
            return False
        except Exception as error:  # noqa: BLE001 (one wish that cannot be started must not stop the others)
            log.warning("queue.start_delayed", user=waiting.user, error=repr(error))
            return False
        async with self.database.begin() as connection:
            if await self.store.remove(connection, waiting):
                await self.news.started(connection, waiting, promotion)
        return True

    async def _claim(self, waiting: Waiting, connection: AsyncConnection) -> None:
        """Planning takes long: whoever took it off meanwhile was told that it does not start."""
        if not await self.store.holds(connection, waiting):
            raise Withdrawn

    async def _ask(self, waiting: Waiting, plan: Plan) -> None:
        """What was confirmed was older than something else, or not older yet."""
        async with self.database.begin() as connection:
            if await self.store.remove(connection, waiting):
                await self.news.older(connection, waiting, plan)

    async def _drop(self, waiting: Waiting, sentence: str) -> None:
        async with self.database.begin() as connection:
            if await self.store.remove(connection, waiting):
                await self.news.dropped(connection, waiting, sentence)


def _patience(waiting: Waiting) -> timedelta:
    if waiting.wish.breaks_glass:
        return GLASS_PATIENCE
    return OPEN_PATIENCE if waiting.wish.when_open else PATIENCE


def _places(promotion: Promotion) -> set[Place]:
    return {(move.app, promotion.plan.environment) for move in promotion.moves}


def _meet(mine: set[Place], taken: set[Place]) -> bool:
    """Whether the same app is meant in the same environment; "" means every app."""
    return any(
        environment == other and (app == busy or "" in (app, busy))
        for app, environment in mine
        for busy, other in taken
    )
