"""Where an image comes from: the Application of its source environment, as it is with that image."""

from contextlib import suppress
from datetime import timedelta

from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.errors import IntegrationError
from bot.domain.image import Runs, runs
from bot.domain.promotion import Move, Verdict
from bot.evaluation.question import Question
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import Applications

AGAIN = timedelta(seconds=5)


class Origin:
    """Raises IntegrationError when Argo CD, git or the registry is away."""

    def __init__(self, applications: Applications, image_locations: ImageLocations, policy: Policy) -> None:
        self._applications = applications
        self._image_locations = image_locations
        self._policy = policy

    async def look(self, question: Question, source: str) -> Application | Verdict:
        """A verdict while Argo CD has not synced the image yet: the health it tells is that of the image before.

        Argo CD may look at git minutes after a push (A19), so it is asked to look now.
        """
        project = question.moves[0].application.project
        ref = ApplicationRef(self._policy.application(question.app, source), source, project)
        application = await self._applications.get(ref)
        if await self._behind(question, source, application):
            with suppress(IntegrationError):  # then it looks by itself, later
                application = await self._applications.refresh(ref)
            if late := await self._behind(question, source, application):
                return _not_yet(application, source, late)
        return await self._not_running(question, source, application) or application

    async def _not_running(self, question: Question, source: str, application: Application) -> Verdict | None:
        """Synced and Healthy is said of other images, too (A28): those that Argo CD lists must be the ones asked about.

        What is not Synced and Healthy is told as that.
        """
        if application.sync is not SyncStatus.SYNCED or application.health is not HealthStatus.HEALTHY:
            return None
        for move in question.moves:
            overlay = await self._image_locations.overlay(move.app, source)
            if overlay is None or not await self._image_locations.pinned(overlay, move.after):
                continue
            if runs(application.images, move.after, by_digest=False) is not Runs.YES:
                return _other_images(application, source, move)
        return None

    async def _behind(self, question: Question, source: str, application: Application) -> Move | None:
        """The image that the source's overlay pins by now, but not at the commit that Argo CD is at.

        One that the overlay no longer pins has been there before; its successor says how the place is.
        """
        for move in question.moves:
            overlay = await self._image_locations.overlay(move.app, source)
            if overlay is None or not await self._image_locations.pinned(overlay, move.after):
                continue
            if not await self._image_locations.pinned_at(overlay, move.after, application.revision):
                return move
        return None


def _not_yet(application: Application, source: str, late: Move) -> Verdict:
    at = application.revision[:7] or "no commit"
    return Verdict.waiting(
        f"{source} does not run {late.after.label} yet: Argo CD is at {at}.",
        "It continues automatically.",
        retry_after=AGAIN,
        link=application.url,
    )


def _other_images(application: Application, source: str, move: Move) -> Verdict:
    listed = ", ".join(application.images[:3]) or "no running image"
    return Verdict.waiting(
        f"{source} does not run {move.after.label}: Argo CD lists {listed}.",
        f"If it stays so, the overlay's entry matches no image of the base, or {source} is scaled to zero.",
        retry_after=AGAIN,
        link=application.url,
    )
