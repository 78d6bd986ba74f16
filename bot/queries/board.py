"""The board of all apps: the unwell first, page by page."""

import math
from collections import defaultdict
from collections.abc import Sequence

from bot.domain.caller import Caller
from bot.domain.intent import Status
from bot.domain.reply import StatusBoard, StatusPage, StatusRow
from bot.queries.status import WELL, Seen, StatusQuery
from bot.queries.surroundings import Surroundings

ROWS = 30
"""of one page, which has whole apps only: so many fit into a message, with what is looked up of each"""


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
        apps: dict[str, list[Seen]] = defaultdict(list)
        for seen in await self._status.glance("", ask.environment, caller):
            apps[seen.overlay.app].append(seen)
        ranks = {app: min([seen.rank for seen in its]) for app, its in apps.items()}
        unwell = sorted((app for app, its in ranks.items() if its < WELL), key=lambda app: (ranks[app], app))
        listed = unwell if ask.unwell else [*unwell, *(app for app, its in ranks.items() if its == WELL)]
        size = max(1, ROWS // max(map(len, apps.values()), default=1))
        count = max(1, math.ceil(len(listed) / size))
        number = min(max(1, ask.page), count)
        shown = [seen for app in listed[(number - 1) * size : number * size] for seen in apps[app]]
        page = StatusPage(number, count, len(apps), len(unwell), ask.unwell, ask.environment)
        return StatusBoard(await self._whole(shown, caller), page)

    async def _whole(self, seen: Sequence[Seen], caller: Caller) -> tuple[StatusRow, ...]:
        return await self._surroundings.around(await self._status.rows(seen, caller), caller)
