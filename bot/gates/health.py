"""Health: is the environment that the image comes from Synced and Healthy with it?"""

from datetime import timedelta
from typing import ClassVar

from bot.domain.application import Application, ApplicationRef, HealthStatus, OperationPhase, SyncStatus
from bot.domain.promotion import Verdict
from bot.gates.question import Options, Question
from bot.policy import Policy
from bot.ports import Applications

AGAIN = timedelta(seconds=5)


class HealthGate:
    """Is the environment that the image comes from Synced at its commit, and Healthy?

    While it is on its way there the promotion waits. An image that was named by hand comes from nowhere: then the gates
    `order` and `soak` say where it has been.
    """

    name: ClassVar[str] = "health"
    options: ClassVar[type[Options]] = Options

    def __init__(self, applications: Applications, policy: Policy) -> None:
        self._applications = applications
        self._policy = policy

    async def ask(self, question: Question) -> Verdict:
        source = question.plan.source
        if not source:
            return Verdict.passed("Not asked: the image was named by hand")
        project = question.moves[0].application.project
        ref = ApplicationRef(self._policy.application(question.app, source), source, project)
        application = await self._applications.get(ref)
        return self._verdict(application, source)

    def _verdict(self, application: Application, source: str) -> Verdict:
        link = application.url
        operation = application.operation
        if operation and operation.phase is OperationPhase.RUNNING:
            return Verdict.waiting(f"{source} is syncing.", "It goes on by itself.", retry_after=AGAIN, link=link)
        if application.health is HealthStatus.PROGRESSING:
            return Verdict.waiting(f"{source} is Progressing.", "It goes on by itself.", retry_after=AGAIN, link=link)
        if application.sync is not SyncStatus.SYNCED:
            why = f": {application.conditions[0]}" if application.conditions else ""
            return Verdict.blocked(
                f"{source} is {application.sync}{why}.", f"Sync {application.ref.name} in Argo CD first.", link=link
            )
        if application.health is not HealthStatus.HEALTHY:
            why = f": {application.health_message}" if application.health_message else ""
            return Verdict.blocked(
                f"{source} is {application.health}{why}.", f"Mend {application.ref.name} first.", link=link
            )
        return Verdict.passed(f"Healthy in {source}", link=link)
