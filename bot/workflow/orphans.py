"""Promotions whose story has broken off: the record says Running, and the engine does nothing more about them.

They are ended with the truth, which git knows: whether the overlay was changed. Nothing waits for them then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from bot.domain.errors import DatabaseAway, IntegrationError, Unavailable
from bot.domain.overlay import Commit
from bot.domain.promotion import Doubt, Phase, Promotion, Stage
from bot.workflow.journal import StoryEngine
from bot.workflow.sentences import not_known
from bot.workflow.steps import Steps

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Orphans:
    """Asking twice is harmless, by several replicas too: what is written is written once by its key."""

    steps: Steps
    engine: StoryEngine

    async def look(self) -> int:
        """End all of them; how many. What cannot be told now, because git is away, is ended by a later look.

        Raises DatabaseAway.
        """
        ended = await self.steps.record.release_claims()
        live = await self.steps.record.store.all_live()
        stories = await self.engine.stories([promotion.id for promotion in live])
        for promotion in live:
            try:
                ended += await self._end_if_broken_off(promotion, stories)
            except DatabaseAway:
                raise
            except Exception as error:  # noqa: BLE001 (one that cannot be ended must not keep the others)
                log.warning("promotion.not_ended_yet", promotion=promotion.id, error=str(error))
        return ended

    async def look_at(self, promotion_id: str) -> bool:
        """End this one if it is stray; whether it was. Raises Unavailable when git cannot tell now what came of it."""
        before = await self.steps.record.store.get(promotion_id)
        if before is None or before.phase.final:
            return False
        return await self._end_if_broken_off(before, await self.engine.stories([promotion_id]))

    async def _end_if_broken_off(self, before: Promotion, stories: Mapping[str, bool]) -> bool:
        """`before`: as it was before the engine was asked for `stories`."""
        if not stories.get(before.id, has_begun(before)):
            return False
        promotion = await self.steps.record.store.get(before.id)  # as it is after its story has ended
        if promotion is None or promotion.phase.final:
            return False
        await self._end(promotion)
        return True

    async def _end(self, promotion: Promotion) -> None:
        commit, unknown = promotion.commit, ""
        if commit is None:
            try:
                commit = await self.steps.committer.find(promotion)
            except Unavailable:
                raise
            except IntegrationError as error:
                unknown = error.detail
        if commit and promotion.commit is None:
            await self.steps.committed(promotion, commit)
        outcome = f"It broke off, and cannot continue. {_truth(promotion, commit, unknown)}"
        doubt = Doubt.OPEN if unknown else Doubt.NONE
        log.error("promotion.ended_without_story", promotion=promotion.id, outcome=outcome)
        ended = replace(promotion, phase=Phase.ERRORED, stage=Stage.DONE, commit=commit, outcome=outcome, doubt=doubt)
        await self.steps.conclude(replace(ended, finished_at=self.steps.clock()), None)


def has_begun(promotion: Promotion) -> bool:
    """Whether its story has done anything: one that has not is begun, and one that has was known to the engine."""
    return promotion.stage is not Stage.GATES or bool(promotion.results)


def _truth(promotion: Promotion, commit: Commit | None, unknown: str) -> str:
    app, environment = promotion.plan.apps[0], promotion.plan.environment
    if commit:
        return f"The overlay was changed ({commit.short}), and Argo CD continues with that: see `/status {app}`."
    if unknown:
        return f"Git does not say ({unknown.rstrip('.')}). {not_known(promotion)}"
    if promotion.pull_request:
        return f"The overlay was not changed. Close {promotion.pull_request}, or merge it, and ask again."
    return f"The overlay was not changed: ask again if {environment} still needs it."
