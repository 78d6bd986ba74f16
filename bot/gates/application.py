"""Application: does Argo CD's Application follow the overlay that the promotion changes?"""

import asyncio
import posixpath
from dataclasses import replace
from typing import ClassVar

from bot.domain.application import Application, ApplicationRef
from bot.domain.errors import NotFound
from bot.domain.promotion import Move, Verdict
from bot.domain.source import HEAD, OverlayBranch, astray
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst
from bot.ports import Applications, OverlaySource


class ApplicationGate:
    """Does the Application in Argo CD follow the overlay that is changed: its repository, its path and its branch?

    One that does not would never see the commit, and its Synced and Healthy would mean something else.
    """

    name: ClassVar[str] = "application"
    options: ClassVar[type[Options]] = Options

    def __init__(self, applications: Applications, overlays: OverlayBranch, source: OverlaySource) -> None:
        self._applications = applications
        self._overlays = overlays
        self._source = source

    async def ask(self, question: Question) -> Verdict:
        moves: dict[ApplicationRef, list[Move]] = {}
        for move in question.moves:
            moves.setdefault(move.application, []).append(move)
        return worst(await asyncio.gather(*(self._verdict(ref, its) for ref, its in moves.items())))

    async def _verdict(self, ref: ApplicationRef, moves: list[Move]) -> Verdict:
        try:
            application = await self._applications.get(ref)
        except NotFound:
            return Verdict.blocked(
                f"Argo CD has no Application {ref.name}, or hides it from the bot.",
                "Create it, or fix `argocd.application` in the policy.",
            )
        ours = await self._known(application)
        images = {image for move in moves for image in (move.name, move.before.repository)}
        for directory in dict.fromkeys(posixpath.dirname(move.overlay) for move in moves):
            if why := astray(application.sources, ours, directory, images):
                remedy = f"Point it at {directory} on {ours.branch} in Argo CD."
                if ours.is_hidden_by_its_url(application.sources):
                    remedy += " Or, if that URL is the overlay repository's too, add it to PILOTHOUSE_GIT__ALIASES."
                return Verdict.blocked(
                    f"{ref.name} {why}: the commit would not reach it.", remedy, link=application.url
                )
        return Verdict.passed("The Application follows the overlay", link=application.url)

    async def _known(self, application: Application) -> OverlayBranch:
        """With the branch that HEAD names, where the Application follows HEAD: it is asked each time, it may move."""
        if not any(source.revision in HEAD for source in application.sources):
            return self._overlays
        return replace(self._overlays, default=await self._source.default_branch())
