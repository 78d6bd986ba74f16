"""Freeze: may this environment change at this time?"""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, tzinfo
from typing import ClassVar

from pydantic import Field

from bot.domain.caller import Target
from bot.domain.duration import lasting
from bot.domain.promotion import Verdict
from bot.domain.safety import Freeze
from bot.evaluation.question import Options, Question
from bot.evaluation.wording import clock
from bot.policy import Policy, roles_of
from bot.policy.windows import Window, closed_by, next_opening
from bot.ports import Directory, Freezes


class FreezeOptions(Options):
    windows: tuple[Window, ...] = Field(
        (),
        description="When changes are allowed or denied. Deny beats allow; without allow windows, the rest is open.",
    )
    exempt_apps: tuple[str, ...] = Field((), description="Apps that are exempt from every freeze.")
    exempt_roles: tuple[str, ...] = Field((), description="Roles whose promotions are exempt from every freeze.")

    @property
    def zone(self) -> tzinfo:
        """The zone in which times are told: that of the first window."""
        return self.windows[0].zone if self.windows else UTC

    def exemption(self, app: str, roles: Collection[str]) -> str:
        """Why no freeze holds the app for somebody with these roles there; "" when every one does."""
        exempt = [app] if app in self.exempt_apps else sorted(set(roles).intersection(self.exempt_roles))
        return f"{exempt[0]} is exempt from freezes" if exempt else ""


class FreezeGate:
    """May the environment change now?

    Not in a window that the policy denies, not outside the windows that it allows, and not during a freeze that
    somebody called with `/freeze`. The policy may exempt apps and roles.
    """

    name: ClassVar[str] = "freeze"
    options: ClassVar[type[Options]] = FreezeOptions

    def __init__(self, freezes: Freezes, directory: Directory, policy: Policy) -> None:
        self._freezes = freezes
        self._directory = directory
        self._policy = policy

    async def ask(self, question: Question) -> Verdict:
        options = FreezeOptions.model_validate(question.options)
        called = await self._freezes.active(question.app, question.environment)
        window, closed = closed_by(options.windows, question.now)
        if not (called or closed):
            return Verdict.passed("No freeze")
        if exempt := await self._exempt(question, options):
            return Verdict.passed(exempt)
        reason = _called(called, options.zone) if called else _closed(question.environment, window)
        # A calendar that opens late takes a second or two to look through: not on the event loop.
        begin = called.until if called else question.now
        opening = await asyncio.to_thread(next_opening, options.windows, begin)
        return Verdict.blocked(reason, _remedy(opening, question.now, options.zone))

    async def _exempt(self, question: Question, options: FreezeOptions) -> str:
        """Why no freeze holds this promotion; "" when it does. Slack is asked only where it matters."""
        known, requester = options.exemption(question.app, ()), question.plan.requester
        if known or not options.exempt_roles or not requester.id:
            return known
        caller = await self._directory.caller(requester.id)
        return options.exemption(
            question.app, roles_of(self._policy, caller, Target(question.app, question.environment))
        )


def _called(freeze: Freeze, zone: tzinfo) -> str:
    what = f"{freeze.app} in {freeze.environment}" if freeze.app else freeze.environment
    why = f": {freeze.reason}" if freeze.reason else ""
    return f"{what} is frozen by {freeze.by.name} until {clock(freeze.until, zone)}{why}."


def _closed(environment: str, window: Window | None) -> str:
    if window is None:
        return f"{environment} changes in its open windows only, and none is open now."
    return f"{environment} is frozen now{f': {window.reason}' if window.reason else ''}."


def _remedy(opening: datetime | None, now: datetime, zone: tzinfo) -> str:
    if opening is None:
        return "No open window is in sight: policy must be changed first."
    return f"The next open window begins {clock(opening, zone)}, in {lasting(opening - now)}."
