"""What holds promotions back now, as far as somebody may see it."""

from bot.domain.caller import Caller, Permission, Target
from bot.domain.reply import Holds
from bot.policy import Policy, may
from bot.ports import Clock
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore
from bot.store.rejections import RejectionStore
from bot.store.reviews import ReviewStore


class HoldsQuery:
    def __init__(
        self,
        locks: LockStore,
        freezes: FreezeStore,
        rejections: RejectionStore,
        reviews: ReviewStore,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._locks = locks
        self._freezes = freezes
        self._rejections = rejections
        self._reviews = reviews
        self._policy = policy
        self._clock = clock

    async def holds(self, caller: Caller) -> Holds:
        now = self._clock.now()
        locks = [one for one in await self._locks.all() if one.lasts(now)]
        freezes = [one for one in await self._freezes.all() if one.lasts(now)]

        def seen(app: str, environment: str = "") -> bool:
            return may(self._policy, caller, Permission.VIEW, Target(app, environment))

        return Holds(
            tuple(one for one in locks if seen(one.app, one.environment)),
            tuple(one for one in freezes if seen(one.app, one.environment)),
            tuple(one for one in await self._rejections.all() if seen(one.app)),
            tuple(one for one in await self._reviews.open() if all(seen(app, one.environment) for app in one.apps)),
        )
