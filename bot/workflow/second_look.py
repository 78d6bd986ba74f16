"""Promotions that ended before anybody could tell whether their change is in git: git is asked until it answers.

Then record, card and audit say what is so, and the people who heard of the end hear of that.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.domain.errors import DatabaseAway, OverlayDrift, OverlayMoved
from bot.domain.overlay import Commit
from bot.domain.promotion import Doubt, Phase, Promotion, Stage
from bot.workflow.sentences import known_now
from bot.workflow.steps import Steps

log = structlog.get_logger(__name__)

FOR = timedelta(days=30)
"""since it was asked for"""


@dataclass(frozen=True)
class SecondLook:
    """Looking twice is harmless, by several replicas too: what is written is written once by its key."""

    steps: Steps

    async def look(self) -> int:
        """Settle what git can tell by now; how many. Raises DatabaseAway."""
        settled = 0
        for promotion in await self.steps.record.store.doubtful(self.steps.clock() - FOR):
            try:
                await self._settle(promotion)
                settled += 1
            except DatabaseAway:
                raise
            except Exception as error:  # noqa: BLE001 (one that nobody can tell of must not keep the others)
                log.warning("promotion.still_in_doubt", promotion=promotion.id, error=str(error))
        return settled

    async def _settle(self, promotion: Promotion) -> None:
        """Raises IntegrationError while nobody can tell."""
        more = ""
        commit = promotion.commit or await self.steps.committer.find(promotion)
        if commit and not promotion.commit:
            await self.steps.committed(promotion, commit)
        if commit is None:
            try:
                commit = await self._merged(promotion)
            except OverlayDrift as drift:  # it is taken back, and told loudly
                more = f"{drift}."
            except OverlayMoved as moved:  # it was merged, and held nothing
                more = moved.sentence
        phase = Phase.ERRORED if commit else promotion.phase  # nobody has aborted what is in git
        ended = replace(promotion, commit=commit, phase=phase, stage=Stage.DONE, doubt=Doubt.SETTLED)
        outcome = more or known_now(promotion, commit)
        log.info("promotion.settled", promotion=promotion.id, commit=commit.sha if commit else "")
        await self.steps.settle(replace(ended, outcome=outcome))

    async def _merged(self, promotion: Promotion) -> Commit | None:
        pulls = self.steps.pull_requests
        pull = await pulls.found_merged(promotion, promotion.outcome)
        return await self.steps.merged(promotion, pull) if pull else None
