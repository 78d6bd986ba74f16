"""Rejected: has somebody rejected this image?"""

from collections.abc import Sequence
from typing import ClassVar

from bot.domain.errors import IntegrationError
from bot.domain.promotion import Move, Verdict
from bot.domain.safety import Rejection
from bot.evaluation.question import Options, Question
from bot.evaluation.rejected_content import RejectedContent
from bot.evaluation.verdicts import worst_image
from bot.overlays.image_locations import ImageLocations
from bot.ports import ImageContents, Rejections


class RejectedGate:
    """Is this image free of rejections?

    It is the content that is rejected: nobody can promote it until somebody un-rejects it, under no other tag, from no
    other repository, and for no other app. The same goes for an index that contains it, and for the images that it
    contains. Where it runs already, it keeps running; the answer says where that is.
    """

    name: ClassVar[str] = "rejected"
    options: ClassVar[type[Options]] = Options

    def __init__(self, rejections: Rejections, contents: ImageContents, image_locations: ImageLocations) -> None:
        self._rejections = rejections
        self._content = RejectedContent(contents)
        self._image_locations = image_locations

    async def ask(self, question: Question) -> Verdict:
        known = await self._rejections.all()
        return worst_image([await self._verdict(move, known) for move in question.moves], question.moves)

    async def _verdict(self, move: Move, known: Sequence[Rejection]) -> Verdict:
        rejection = await self._content.against(move.app, move.after, known)
        if rejection is None:
            return Verdict.passed("Not rejected")
        return Verdict.blocked(await self._told(move, rejection), _remedy(move, rejection))

    async def _told(self, move: Move, rejection: Rejection) -> str:
        what = f"{rejection.by.name} rejects {move.after.label}"
        if rejection.digest != move.after.digest:
            what = f"{rejection.by.name} rejects an image that shares content with {move.after.label}"
        told = f"{what}: {rejection.reason.rstrip('.')}."
        try:
            runs_in = await self._image_locations.environments(move.app, move.after)
        except IntegrationError:
            return told
        return f"{told} It is already committed in {' and '.join(runs_in)}." if runs_in else told


def _remedy(move: Move, rejection: Rejection) -> str:
    if rejection.app != move.app:  # whose name is not everybody's to know
        return f"Promote another image, or ask {rejection.by.name}, who rejected it for another app."
    return f"Promote another image; if this one is good after all: `/unreject {rejection.label}`."
