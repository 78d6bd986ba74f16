"""Rejected: has somebody said that this image goes nowhere?"""

from typing import ClassVar

from bot.domain.errors import IntegrationError
from bot.domain.promotion import Move, Verdict
from bot.domain.safety import Rejection
from bot.gates.question import Options, Question
from bot.gates.verdicts import worst_image
from bot.gates.whereabouts import Whereabouts
from bot.ports import Rejections


class RejectedGate:
    """Has somebody rejected this image?

    A rejected digest goes nowhere, by no way, until it is un-rejected. Where it runs already, it goes on running; the
    answer says where that is.
    """

    name: ClassVar[str] = "rejected"
    options: ClassVar[type[Options]] = Options

    def __init__(self, rejections: Rejections, whereabouts: Whereabouts) -> None:
        self._rejections = rejections
        self._whereabouts = whereabouts

    async def ask(self, question: Question) -> Verdict:
        return worst_image([await self._verdict(move) for move in question.moves], question.moves)

    async def _verdict(self, move: Move) -> Verdict:
        rejection = await self._rejections.find(move.app, move.after.digest)
        if rejection is None:
            return Verdict.passed("Not rejected")
        return Verdict.blocked(await self._told(move, rejection), _remedy(move))

    async def _told(self, move: Move, rejection: Rejection) -> str:
        told = f"{rejection.by.name} rejects {move.after.label}: {rejection.reason.rstrip('.')}."
        try:
            runs_in = await self._whereabouts.environments(move.app, move.after)
        except IntegrationError:
            return told
        return f"{told} It already runs in {' and '.join(runs_in)}." if runs_in else told


def _remedy(move: Move) -> str:
    return f"Promote another image; if this one is good after all: `/unreject {move.app}@{move.after.label}`."
