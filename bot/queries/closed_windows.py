"""Which environments the policy's own windows keep closed now, by the same rule as the gate `freeze`.

Nothing is asked over the network: it is the policy and the clock.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from bot.domain.safety import ClosedWindow
from bot.gates.freeze import FreezeGate, FreezeOptions
from bot.policy import Policy
from bot.policy.windows import closed_by, next_opening
from bot.ports import Clock

NONE_IN_SIGHT = timedelta(hours=1)
"""after which an opening that was not found is looked for again"""


@dataclass(frozen=True)
class _Place:
    """`options` None: the gate is left out there. `own`: the apps whose own rules say something about freezes."""

    environment: str
    options: FreezeOptions | None
    app: str = ""
    own: tuple["_Place", ...] = ()


class ClosedWindows:
    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._openings: dict[tuple[str, str], tuple[datetime, datetime | None]] = {}
        """of an app in an environment: when it was looked for, and the opening that was found"""

    async def now(self) -> tuple[ClosedWindow, ...]:
        """In promotion order; an app with rules of its own stands beside its environment where both are closed."""
        now = self._clock.now()
        found: list[ClosedWindow] = []
        for place in self._places:
            own = [(each.app, await self._closed(each, now)) for each in place.own]
            opened = tuple(app for app, closed in own if closed is None)
            if closed := await self._closed(place, now, opened):
                found.append(closed)
            found += [closed for _, closed in own if closed]
        return tuple(found)

    async def of(self, app: str, environment: str) -> ClosedWindow | None:
        """What keeps an app closed there; "" for all of the environment."""
        return closest(await self.now(), app, environment)

    async def _closed(self, place: _Place, now: datetime, opened: tuple[str, ...] = ()) -> ClosedWindow | None:
        options = place.options
        if options is None or place.app in options.exempt_apps:
            return None
        window, closed = closed_by(options.windows, now)
        if not closed:
            return None
        return ClosedWindow(
            place.environment,
            window.reason if window else "",
            await self._opening(place, options, now),
            place.app,
            denied=window is not None,
            exempt_apps=() if place.app else (*options.exempt_apps, *opened),
            exempt_roles=options.exempt_roles,
        )

    async def _opening(self, place: _Place, options: FreezeOptions, now: datetime) -> datetime | None:
        """A calendar that opens late takes a second or two to look through: once, and not on the event loop."""
        key = (place.app, place.environment)
        looked, opening = self._openings.get(key, (None, None))
        if looked is None or not looked <= now < (opening or looked + NONE_IN_SIGHT):
            opening = await asyncio.to_thread(next_opening, options.windows, now)
            self._openings[key] = (now, opening)
        return opening

    @cached_property
    def _places(self) -> tuple[_Place, ...]:
        return tuple(
            _Place(one.name, self._options("", one.name), own=tuple(self._own(one.name)))
            for one in self._policy.environments
        )

    def _own(self, environment: str) -> Iterator[_Place]:
        for app, part in self._policy.apps.items():
            if environment in part.environments and FreezeGate.name in part.environments[environment].gates:
                yield _Place(environment, self._options(app, environment), app)

    def _options(self, app: str, environment: str) -> FreezeOptions | None:
        given = self._policy.rules(app, environment).gates().get(FreezeGate.name)
        return None if given is None else FreezeOptions.model_validate(given)


def closest(windows: tuple[ClosedWindow, ...], app: str, environment: str) -> ClosedWindow | None:
    """The one that holds an app there: its own before that of the environment."""
    return max((one for one in windows if one.covers(app, environment)), key=lambda one: bool(one.app), default=None)
