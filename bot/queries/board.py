"""The board of all apps: the unwell first, page by page."""

import math
from collections import defaultdict
from collections.abc import Sequence

from bot.domain.application import HealthStatus, SyncStatus
from bot.domain.caller import Caller
from bot.domain.intent import Status
from bot.domain.reply import StatusBoard, StatusPage, StatusRow
from bot.queries.status import StatusQuery, failed, well
from bot.queries.surroundings import Surroundings

ROWS = 30
"""of one page, which has whole apps only: so many fit into a message, with what is looked up of each"""
FAILING, UNKNOWN, DIFFERING, WELL = range(4)


class StatusBoards:
    def __init__(self, status: StatusQuery, surroundings: Surroundings) -> None:
        self._status = status
        self._surroundings = surroundings

    async def rows(self, ask: Status, caller: Caller) -> tuple[StatusRow, ...]:
        """What was asked about, in promotion order, with everything that is known of it.

        Raises UnknownName, and IntegrationError when the overlay repository does not answer.
        """
        return await self._whole(await self._status.glance(ask.app, ask.environment, caller), caller)

    async def page(self, ask: Status, caller: Caller) -> StatusBoard:
        """A page of all apps that the caller may view. A page that no longer exists is the last one."""
        apps: dict[str, list[StatusRow]] = defaultdict(list)
        for row in await self._status.glance("", ask.environment, caller):
            apps[row.app].append(row)
        ranked = sorted(apps, key=lambda app: (min(map(rank, apps[app])), app))
        unwell = [app for app in ranked if min(map(rank, apps[app])) < WELL]
        listed = unwell if ask.unwell else ranked
        size = max(1, ROWS // max(map(len, apps.values()), default=1))
        count = max(1, math.ceil(len(listed) / size))
        number = min(max(1, ask.page), count)
        shown = [row for app in listed[(number - 1) * size : number * size] for row in apps[app]]
        page = StatusPage(number, count, len(apps), len(unwell), ask.unwell, ask.environment)
        return StatusBoard(await self._whole(shown, caller), page)

    async def _whole(self, rows: Sequence[StatusRow], caller: Caller) -> tuple[StatusRow, ...]:
        return await self._surroundings.around(await self._status.detailed(rows, caller), caller)


def rank(row: StatusRow) -> int:
    """How urgently people want to see it; the smallest first."""
    app = row.application
    if app is None:
        return UNKNOWN
    if failed(app) or app.health in (HealthStatus.DEGRADED, HealthStatus.MISSING):
        return FAILING
    if HealthStatus.UNKNOWN is app.health or app.sync is SyncStatus.UNKNOWN:
        return UNKNOWN
    return WELL if well(app) and not row.runs else DIFFERING
