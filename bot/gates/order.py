"""Order: has this very image been through the environments before?"""

from typing import ClassVar

from pydantic import Field

from bot.domain.promotion import Move, Verdict
from bot.evaluation.question import Options, Question
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.ports import PromotionRecord


class OrderOptions(Options):
    allow_hotfix: bool = Field(False, description="Whether a reason is enough to leave environments out.")
    environments: tuple[str, ...] | None = Field(
        None, description="The environments that it must have been through; every earlier one if left out."
    )


class OrderGate:
    """Has the same digest been through every environment before this one?

    It has been through an environment where a promotion saw it Healthy, or whose overlay pins it or pinned it not
    long ago. With `allow_hotfix`, a reason on the promotion lets it pass by; the reason stays on record.
    """

    name: ClassVar[str] = "order"
    options: ClassVar[type[Options]] = OrderOptions

    def __init__(self, catalog: Catalog, whereabouts: ImageLocations, record: PromotionRecord) -> None:
        self._catalog = catalog
        self._whereabouts = whereabouts
        self._record = record

    async def ask(self, question: Question) -> Verdict:
        options = OrderOptions.model_validate(question.options)
        skipped: dict[str, Move] = {}
        passed = []
        for environment in self._before(question.environment, options):
            for move in question.moves:
                if not await self._been_through(move, environment):
                    skipped.setdefault(environment, move)
            passed.append(environment)
        if not skipped:
            return Verdict.passed(f"Came through {' and '.join(passed)}" if passed else "Images arrive here first.")
        if options.allow_hotfix and question.plan.reason:
            return Verdict.passed(f"hotfix: {question.plan.reason}", fingerprint="hotfix")
        return _blocked(question, skipped, options)

    def _before(self, name: str, options: OrderOptions) -> tuple[str, ...]:
        target = self._catalog.environment(name)
        earlier = tuple(each.name for each in self._catalog.environments if each.order < target.order)
        if options.environments is None:
            return earlier
        named = {self._catalog.environment(word).name for word in options.environments}
        return tuple(environment for environment in earlier if environment in named)

    async def _been_through(self, move: Move, environment: str) -> bool:
        overlay = await self._whereabouts.overlay(move.app, environment)
        if overlay is None:
            return True  # the app does not live there
        if await self._whereabouts.pinned(overlay, move.after):
            return True
        if await self._record.succeeded(move.app, environment, move.after.digest):
            return True
        return await self._whereabouts.was_pinned(overlay, move.after)


def _blocked(question: Question, skipped: dict[str, Move], options: OrderOptions) -> Verdict:
    environment, move = next(iter(skipped.items()))
    image = move.after
    hotfix = " A hotfix goes with a reason: add `--reason WHY`." if options.allow_hotfix else ""
    return Verdict.blocked(
        f"{image.label} has not been in {' or '.join(skipped)}.",
        f"Promote it in order: `/deploy {question.app}@{image.tag or image.digest} {environment}` first.{hotfix}",
    )
