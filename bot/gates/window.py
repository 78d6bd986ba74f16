"""Window: would Argo CD's own sync windows let the change through?"""

import asyncio
from typing import ClassVar

from bot.domain.application import ApplicationRef
from bot.domain.promotion import Verdict
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst
from bot.ports import SyncWindows


class WindowGate:
    """Do the sync windows of the Argo CD project let the sync through that the Application would get now?

    They stop syncs and not commits (A23): without this gate the change would be in git and go nowhere. A window with
    `manualSync` lets people sync, and holds an Application that syncs automatically all the same (A30).
    """

    name: ClassVar[str] = "window"
    options: ClassVar[type[Options]] = Options

    def __init__(self, windows: SyncWindows) -> None:
        self._windows = windows

    async def ask(self, question: Question) -> Verdict:
        refs = dict.fromkeys(move.application for move in question.moves)
        return worst(await asyncio.gather(*(self._verdict(ref) for ref in refs)))

    async def _verdict(self, ref: ApplicationRef) -> Verdict:
        permission = await self._windows.permission(ref)
        if permission.allowed:
            return Verdict.passed("Argo CD's sync windows are open")
        why = f": {permission.reason.rstrip('.')}" if permission.reason else ""
        return Verdict.blocked(
            f"A sync window of Argo CD holds {ref.name}{why}.",
            "Wait until it opens, or ask an administrator of the AppProject to change its sync windows.",
        )
