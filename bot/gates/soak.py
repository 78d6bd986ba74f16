"""Soak: has the image been Healthy for long enough where it comes from?"""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from pydantic import Field, model_validator

from bot.domain.application import Application, SyncStatus
from bot.domain.duration import lasting
from bot.domain.promotion import Move, Verdict
from bot.evaluation.origin import Origin
from bot.evaluation.question import Options, Question
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.policy.duration import Duration
from bot.ports import Applications

USUAL = timedelta(minutes=30)
AGAIN = timedelta(seconds=30)


class SoakOptions(Options):
    minutes: float | None = Field(None, gt=0, description="How long, in minutes; 30 if neither is given.")
    for_: Duration | None = Field(None, alias="for", description="How long, as a duration.")

    @model_validator(mode="after")
    def _says_it_once(self) -> Self:
        if self.minutes is not None and self.for_ is not None:
            raise ValueError("give either minutes or for")
        return self

    def ask_no_more_than(self, before: Self) -> bool:
        return self.time <= before.time

    @property
    def time(self) -> timedelta:
        if self.minutes is not None:
            return timedelta(minutes=self.minutes)
        return self.for_ if self.for_ is not None else USUAL


class SoakGate:
    """Has the image been Healthy for long enough in the environment before this one?

    The time counts from the moment that it became Healthy there. Another deployment there, or a loss of health, starts
    it again.
    """

    name: ClassVar[str] = "soak"
    options: ClassVar[type[Options]] = SoakOptions

    def __init__(
        self, applications: Applications, catalog: Catalog, image_locations: ImageLocations, policy: Policy
    ) -> None:
        self._origin = Origin(applications, image_locations, policy)
        self._catalog = catalog
        self._image_locations = image_locations

    async def ask(self, question: Question) -> Verdict:
        source = question.source or self._before(question.environment)
        if not source:
            return Verdict.passed("images arrive here first, so there is nowhere to soak", asked=False)
        for move in question.moves:
            if elsewhere := await self._not_there(move, source):
                return elsewhere
        seen = await self._origin.look(question, source)
        if isinstance(seen, Verdict):
            return seen
        return _verdict(seen, source, SoakOptions.model_validate(question.options).time, question.now)

    def _before(self, environment: str) -> str:
        before = self._catalog.before(self._catalog.environment(environment))
        return before.name if before else ""

    async def _not_there(self, move: Move, source: str) -> Verdict | None:
        """A verdict when the source does not run the image: somebody else's health vouches for nothing."""
        overlay = await self._image_locations.overlay(move.app, source)
        if overlay and await self._image_locations.pinned(overlay, move.after):
            return None
        return Verdict.blocked(
            f"{source} does not run {move.after.label}, so it does not soak there.",
            f"Promote it to {source} first: `/deploy {move.app}@{move.after.tag or move.after.digest} {source}`.",
        )


def _verdict(application: Application, source: str, time: timedelta, now: datetime) -> Verdict:
    since = healthy_since(application)
    if since is None:
        return _not_begun(application, source)
    soaked = now - since
    if soaked >= time:
        return Verdict.passed(f"Healthy in {source} for {lasting(soaked)}", link=application.url)
    left = time - soaked
    return Verdict.waiting(
        f"Healthy in {source} for {lasting(soaked)} of {lasting(time)}: {lasting(left)} left.",
        "It continues automatically.",
        retry_after=left,
        link=application.url,
    )


def _not_begun(application: Application, source: str) -> Verdict:
    name = application.ref.name
    if _well(application):
        reason = f"Argo CD does not say since when {source} is Healthy."
        return Verdict.waiting(reason, f"Sync {name} once.", retry_after=AGAIN, link=application.url)
    reason = f"{source} is {application.sync} and {application.health}: the soak begins once it is Synced and Healthy."
    remedy = f"Fix {name} if it does not get there on its own."
    return Verdict.waiting(reason, remedy, retry_after=AGAIN, link=application.url)


def healthy_since(application: Application) -> datetime | None:
    """Since when it has been Healthy with what it runs; None while it is not, or cannot say.

    A sync that did not disturb the health still brought something new (A19), so its end counts when it is later.
    """
    if not _well(application):
        return None
    synced = application.operation.finished_at if application.operation else None
    deployed = application.history[-1].deployed_at if application.history else None
    known = [moment for moment in (application.health_since, synced or deployed) if moment]
    return max(known, default=None)


def _well(application: Application) -> bool:
    return application.well and application.sync is SyncStatus.SYNCED
