"""The queue of wishes: started in order, each when what stood in its way has ended."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import DatabaseAway, NotFound, PromotionInProgress, UserError
from bot.domain.intent import Rollback
from bot.domain.promotion import Promotion, Stage
from bot.domain.queueing import Waiting, what
from bot.ports import Directory
from bot.promotions.promotions import Promotions
from bot.promotions.scheduler import Queue
from bot.store.audit import Audit, Entry
from bot.store.database import Database
from bot.store.promotions import PromotionStore
from bot.store.queue import QueueStore

log = structlog.get_logger(__name__)

PATIENCE = timedelta(days=1)
"""How long a wish may wait: what was wanted yesterday may surprise today."""
Place = tuple[str, str]
"""app ("" is any) and environment"""


class QueueNews(Protocol):
    """Told once, and only if the caller's transaction commits."""

    async def started(self, connection: AsyncConnection, waiting: Waiting, promotion: Promotion) -> None: ...

    async def dropped(self, connection: AsyncConnection, waiting: Waiting, sentence: str) -> None: ...


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

    async def add(self, waiting: Waiting, behind: Promotion) -> None:
        app = ", ".join(waiting.wish.named_apps)
        detail = {"wish": what(waiting.wish), "behind": behind.id, "replacing": waiting.first}
        entry = Entry("queued", waiting.user, app, waiting.wish.environment, behind.id, detail)
        async with self.database.begin() as connection:
            await self.store.add(connection, waiting)
            await self.audit.append(connection, entry)

    async def start_next(self) -> int:
        """Start everything whose turn has come; how many. What cannot be asked now is tried at the next call."""
        live = [promotion for promotion in await self.live.all_live() if not promotion.only_watched]
        taken = {place for promotion in live for place in _places(promotion)}
        followed = {place for promotion in live if promotion.stage is Stage.FOLLOW for place in _places(promotion)}
        waited: set[Place] = set()
        started = 0
        for waiting in await self.store.all():
            apps = waiting.wish.named_apps
            mine = {(app, waiting.wish.environment) for app in apps or ("",)}
            # A rollback need not wait for what is only followed; whether it leads back its plan says.
            ahead = taken - followed if isinstance(waiting.wish, Rollback) else taken
            if not _meet(mine, ahead | waited):
                started += await self._try(waiting)
            elif not apps:
                continue  # it waits until nothing is under way there; nobody waits for that
            waited |= mine  # whether it has started or waits on: nobody overtakes it
        return started

    async def _try(self, waiting: Waiting) -> bool:
        if datetime.now(UTC) - waiting.since > PATIENCE:
            await self._drop(waiting, "It has waited for a day. Ask again if you still need it.")
            return False
        try:
            caller = await self.directory.caller(waiting.user, waiting.team)
            # Started before it is taken out of the queue: whatever dies in between, the same request starts nothing
            # twice.
            promotion = await self.promotions.start(waiting.wish, caller)
        except PromotionInProgress:
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
            log.warning("a queued wish waits on", user=waiting.user, error=repr(error))
            return False
        async with self.database.begin() as connection:
            if await self.store.remove(connection, waiting):
                await self.news.started(connection, waiting, promotion)
        return True

    async def _drop(self, waiting: Waiting, sentence: str) -> None:
        async with self.database.begin() as connection:
            if await self.store.remove(connection, waiting):
                await self.news.dropped(connection, waiting, sentence)


def _places(promotion: Promotion) -> set[Place]:
    return {(move.app, promotion.plan.environment) for move in promotion.moves}


def _meet(mine: set[Place], taken: set[Place]) -> bool:
    """Whether the same app is meant in the same environment; "" means every app."""
    return any(
        environment == other and (app == busy or "" in (app, busy))
        for app, environment in mine
        for busy, other in taken
    )
