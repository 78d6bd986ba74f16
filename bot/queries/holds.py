"""What holds promotions back now, as far as somebody may see it."""

from dataclasses import replace
from typing import TypeVar

from bot.domain.caller import Caller, Permission, Target
from bot.domain.reply import Holds
from bot.domain.safety import ClosedWindow, Freeze
from bot.policy import Policy, may, visible
from bot.ports import Clock
from bot.queries.closed_windows import ClosedWindows
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore
from bot.store.rejections import RejectionStore
from bot.store.reviews import ReviewStore

F = TypeVar("F", Freeze, ClosedWindow)


class HoldsQuery:
    def __init__(
        self,
        locks: LockStore,
        freezes: FreezeStore,
        rejections: RejectionStore,
        reviews: ReviewStore,
        windows: ClosedWindows,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._locks = locks
        self._freezes = freezes
        self._rejections = rejections
        self._reviews = reviews
        self._windows = windows
        self._policy = policy
        self._clock = clock

    async def holds(self, caller: Caller) -> Holds:
        now = self._clock.now()
        locks = [one for one in await self._locks.all() if one.lasts(now)]
        freezes = [one for one in await self._freezes.all() if one.lasts(now)]

        def seen(app: str, environment: str = "") -> bool:
            return may(self._policy, caller, Permission.VIEW, Target(app, environment))

        def exempt(one: F) -> F:
            """The names of apps are not everybody's to know."""
            return replace(one, exempt_apps=visible(self._policy, caller, one.exempt_apps, one.environment))

        return Holds(
            tuple(one for one in locks if seen(one.app, one.environment)),
            tuple(exempt(one) for one in freezes if seen(one.app, one.environment)),
            tuple(one for one in await self._rejections.all() if seen(one.app)),
            tuple(one for one in await self._reviews.open() if all(seen(app, one.environment) for app in one.apps)),
            tuple(exempt(one) for one in await self._windows.now() if seen(one.app, one.environment)),
        )
