"""What a pipeline run has built is looked for at once, not at Argo CD's next poll, minutes away."""

import asyncio
from contextlib import suppress

from bot.domain.application import ApplicationRef
from bot.domain.errors import IntegrationError
from bot.domain.pipeline import PipelineRun
from bot.policy import Policy
from bot.ports import Applications

PATIENCE_SECONDS = 5.0
"""for the answer: Argo CD has the request long before it has looked (A8), and nobody waits for what it finds"""


class Builds:
    def __init__(self, policy: Policy, applications: Applications) -> None:
        self._policy = policy
        self._applications = applications

    async def arrived(self, run: PipelineRun) -> None:
        """The run has written the overlay of the first environment. Raises nothing: Argo CD looks later by itself."""
        if not run.app:
            return
        first = self._policy.environments[0].name
        ref = ApplicationRef(self._policy.application(run.app, first), first)
        with suppress(TimeoutError, IntegrationError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._applications.refresh(ref)
