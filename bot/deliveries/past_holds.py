"""What held a place when somebody committed to it by hand: said only where it held all the time that counts."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from bot.domain.safety import HeldThen
from bot.gates.freeze import FreezeGate, FreezeOptions
from bot.policy import Policy
from bot.policy.windows import closed_by, next_opening
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore


@dataclass(frozen=True)
class PastHolds:
    locks: LockStore
    freezes: FreezeStore
    policy: Policy

    async def throughout(self, app: str, environment: str, since: datetime, until: datetime) -> HeldThen | None:
        """A lock or a freeze of that place that began before `since` and lasts at `until`; None where none is known.

        What was over before somebody looked is not known. Raises DatabaseAway.
        """
        for lock in sorted(await self.locks.all(), key=lambda one: not one.app):
            if lock.covers(app, environment) and lock.since <= since and lock.lasts(until):
                return HeldThen(False, lock.owner.name or lock.owner.id, lock.app, lock.reason)
        for freeze in sorted(await self.freezes.all(), key=lambda one: not one.app):
            if freeze.covers(app, environment) and freeze.since <= since and freeze.lasts(until):
                return HeldThen(True, freeze.by.name or freeze.by.id, freeze.app, freeze.reason)
        return await asyncio.to_thread(self._window, app, environment, since, until)

    def _window(self, app: str, environment: str, since: datetime, until: datetime) -> HeldThen | None:
        """Of the policy. Not on the event loop: a calendar that opens late takes a second or two to look through."""
        given = self.policy.rules(app, environment).gates().get(FreezeGate.name)
        options = None if given is None else FreezeOptions.model_validate(given)
        if options is None or options.exemption(app, ()):
            return None
        window, closed = closed_by(options.windows, since)
        opening = next_opening(options.windows, since) if closed else since
        if opening and opening <= until:
            return None
        return HeldThen(True, "", "", window.reason if window else "")
