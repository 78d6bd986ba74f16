"""What other systems tell us makes the stories that wait for it ask their gates again, at once."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.image import Image
from bot.domain.promotion import Promotion, Stage
from bot.promotions.signals import WAKE
from bot.store.promotions import PromotionStore
from bot.workflow.journal import StoryEngine

AT_MOST_EVERY = 5
"""seconds: a storm of news is one reason to look again"""


@dataclass(frozen=True)
class WakeUps:
    """Nothing hangs on it: gates are asked again by themselves, too. `clock` counts seconds since the epoch."""

    store: PromotionStore
    engine: StoryEngine
    clock: Callable[[], float] = time.time

    async def image(self, digest: str, repository: str = "") -> int:
        """Something is known of an image; how many promotions were woken.

        `repository` (without the registry's host) wakes for every image in it: what concerns an index is told with the
        digests of its platforms (H27).
        """

        def concerns(image: Image) -> bool:
            return image.digest == digest or (repository != "" and image.repository.partition("/")[2] == repository)

        return await self._wake(lambda promotion: any(concerns(move.after) for move in promotion.moves))

    async def place(self, app: str, environment: str) -> int:
        """Something has changed for an app there, or where its images come from; "" is any."""

        def concerns(promotion: Promotion) -> bool:
            origins = {move.origin for move in promotion.moves}
            places = {"", promotion.plan.environment, promotion.plan.source, *origins}
            return environment in places and (not app or app in promotion.apps)

        return await self._wake(concerns)

    async def _wake(self, concerns: Callable[[Promotion], bool]) -> int:
        waiting = [p for p in await self.store.all_live() if p.stage is Stage.GATES and p.blocked and concerns(p)]
        moment = int(self.clock() / AT_MOST_EVERY)
        for promotion in waiting:
            await self.engine.signal(promotion.id, f"{promotion.id}:wake:{moment}", WAKE)
        return len(waiting)
