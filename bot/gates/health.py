"""Health: is the environment that the image comes from Synced and Healthy with it?"""

from typing import ClassVar

from bot.domain.application import Application, HealthStatus, SyncStatus
from bot.domain.promotion import Verdict
from bot.evaluation.origin import AGAIN, Origin
from bot.evaluation.question import Options, Question
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import Applications


class HealthGate:
    """Is the environment that the image comes from Synced at its commit, and Healthy?

    While Argo CD is still syncing there, the promotion waits. An image that somebody names by hand comes from no
    environment; the gates `order` and `soak` then check where it has been.
    """

    name: ClassVar[str] = "health"
    options: ClassVar[type[Options]] = Options

    def __init__(self, applications: Applications, image_locations: ImageLocations, policy: Policy) -> None:
        self._origin = Origin(applications, image_locations, policy)

    async def ask(self, question: Question) -> Verdict:
        source = question.source
        if not source:
            return Verdict.passed("the image was named by hand", asked=False)
        seen = await self._origin.look(question, source)
        return seen if isinstance(seen, Verdict) else self._verdict(seen, source)

    def _verdict(self, application: Application, source: str) -> Verdict:
        link = application.url
        if application.under_way:
            return Verdict.waiting(f"{source} is syncing.", "It continues automatically.", retry_after=AGAIN, link=link)
        if application.health is HealthStatus.PROGRESSING:
            return Verdict.waiting(
                f"{source} is Progressing.", "It continues automatically.", retry_after=AGAIN, link=link
            )
        if application.sync is not SyncStatus.SYNCED:
            why = f": {application.conditions[0]}" if application.conditions else ""
            return Verdict.blocked(
                f"{source} is {application.sync}{why}.", f"Sync {application.ref.name} in Argo CD first.", link=link
            )
        if application.health is not HealthStatus.HEALTHY:
            why = f": {application.health_message}" if application.health_message else ""
            return Verdict.blocked(
                f"{source} is {application.health}{why}.", f"Fix {application.ref.name} first.", link=link
            )
        return Verdict.passed(f"Healthy in {source}", link=link)
