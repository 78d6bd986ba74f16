"""Order: has this very image been through the environments before?"""

import asyncio
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from bot.domain.application import ApplicationRef
from bot.domain.errors import NotFound
from bot.domain.image import Runs, runs
from bot.domain.overlay import Overlay
from bot.domain.promotion import Move, Verdict
from bot.evaluation.origin import AGAIN
from bot.evaluation.question import Options, Question
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import Applications, PromotionRecord


class OrderOptions(Options):
    allow_hotfix: bool = Field(False, description="Whether a promotion with a reason may skip environments.")
    environments: tuple[str, ...] | None = Field(
        None, description="The environments that it must have been through; every earlier one by default."
    )


class Presence(StrEnum):
    """What is known of an image in one environment."""

    SEEN = "seen"
    """it was seen Healthy there, or it is Healthy there now"""
    ARRIVING = "arriving"
    """its overlay pins it, and Argo CD does not show yet that it runs"""
    PINNED_BEFORE = "pinned before"
    """its overlay pinned it once: that is what was asked for, not what ran"""
    NEVER = "never"


class OrderGate:
    """Has the same digest been through every environment before this one?

    It has been through an environment if a promotion saw it Healthy there, or if Argo CD shows that it runs there now
    and is Healthy. That an overlay pins it is no proof; while Argo CD rolls it out, the promotion waits. With
    `allow_hotfix`, a promotion with a reason may skip environments; the reason stays on record.
    """

    name: ClassVar[str] = "order"
    options: ClassVar[type[Options]] = OrderOptions

    def __init__(
        self,
        catalog: Catalog,
        locations: ImageLocations,
        record: PromotionRecord,
        applications: Applications,
        policy: Policy,
    ) -> None:
        self._catalog = catalog
        self._locations = locations
        self._record = record
        self._applications = applications
        self._policy = policy

    async def ask(self, question: Question) -> Verdict:
        options = OrderOptions.model_validate(question.options)
        before = self._before(question.environment, options)
        places = [(environment, move) for environment in before for move in question.moves]
        found = await asyncio.gather(*(self._presence(move, environment) for environment, move in places))
        missing: dict[str, tuple[Move, Presence]] = {}
        for (environment, move), presence in zip(places, found, strict=True):
            if presence is not Presence.SEEN:
                missing.setdefault(environment, (move, presence))
        if not missing:
            if not before:
                return Verdict.passed("images arrive here first", asked=False)
            return Verdict.passed(f"Came through {' and '.join(before)}")
        if options.allow_hotfix and question.plan.reason:
            return Verdict.passed(f"hotfix: {question.plan.reason}", fingerprint="hotfix")
        if all(presence is Presence.ARRIVING for _, presence in missing.values()):
            return _waiting(missing)
        return _blocked(question, missing, options)

    def _before(self, name: str, options: OrderOptions) -> tuple[str, ...]:
        target = self._catalog.environment(name)
        earlier = tuple(each.name for each in self._catalog.environments if each.order < target.order)
        if options.environments is None:
            return earlier
        named = {self._catalog.environment(word).name for word in options.environments}
        return tuple(environment for environment in earlier if environment in named)

    async def _presence(self, move: Move, environment: str) -> Presence:
        overlay = await self._locations.overlay(move.app, environment)
        if overlay is None or await self._record.succeeded(move.app, environment, move.after.digest):
            return Presence.SEEN  # an app need not live everywhere
        pinned, running = await asyncio.gather(
            self._locations.pinned(overlay, move.after), self._runs_there(move, overlay)
        )
        if running:
            return Presence.SEEN
        if pinned:
            return Presence.ARRIVING
        return Presence.PINNED_BEFORE if await self._locations.was_pinned(overlay, move.after) else Presence.NEVER

    async def _runs_there(self, move: Move, overlay: Overlay) -> bool:
        """Healthy now with this very image: by its digest, or by a tag that stood for it at the commit that runs."""
        name = self._policy.application(move.app, overlay.environment)
        try:
            application = await self._applications.get(
                ApplicationRef(name, overlay.environment, move.application.project)
            )
        except NotFound:
            return False
        if not application.well:
            return False
        if runs(application.images, move.after, by_digest=True) is Runs.YES:
            return True
        by_tag = runs(application.images, move.after, by_digest=False) is Runs.YES
        return by_tag and await self._locations.pinned_at(overlay, move.after, application.revision)


def _waiting(missing: dict[str, tuple[Move, Presence]]) -> Verdict:
    environment, (move, _) = next(iter(missing.items()))
    return Verdict.waiting(
        f"{move.after.label} is on its way to {environment}: Argo CD does not show it running and Healthy there yet.",
        f"It continues automatically. If it stays like this, find out in Argo CD why {environment} does not run it.",
        retry_after=AGAIN,
    )


def _blocked(question: Question, missing: dict[str, tuple[Move, Presence]], options: OrderOptions) -> Verdict:
    gone = {name: found for name, found in missing.items() if found[1] is not Presence.ARRIVING}
    environment, (move, presence) = next(iter(gone.items()))
    image = move.after
    hotfix = " A hotfix needs a reason: add `--reason WHY`." if options.allow_hotfix else ""
    if presence is Presence.PINNED_BEFORE:
        reason = f"{image.label} was in {environment}'s overlay, but nothing shows that it ran there."
    else:
        reason = f"{image.label} has not been in {' or '.join(gone)}."
    return Verdict.blocked(
        reason,
        f"Promote it in order: `/deploy {question.app}@{image.tag or image.digest} {environment}` first.{hotfix}",
    )
