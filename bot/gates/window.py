"""Window: would Argo CD's own sync windows let the change through?"""

import asyncio
from typing import ClassVar

from bot.domain.application import ApplicationRef
from bot.domain.promotion import Verdict
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst
from bot.ports import SyncWindows


class WindowGate:
    """Do the sync windows of the Argo CD project allow the sync that would follow now?

    Sync windows stop syncs, not commits: without this gate, the change would be in git and not in the cluster. A window
    with `manualSync` lets people sync, but still stops an Application that syncs automatically.
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
