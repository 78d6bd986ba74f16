"""The overview of all apps: the unwell first, page by page."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bot.domain.caller import Caller
from bot.domain.intent import Status
from bot.domain.reply import StatusOverview, StatusPage, StatusRow
from bot.queries.status import WELL, Seen, StatusQuery
from bot.queries.surroundings import Surroundings

ROWS = 30
"""of one page, which has whole apps only: so many fit into a message, with what is looked up of each"""


class OverviewQuery:
    def __init__(self, status: StatusQuery, surroundings: Surroundings) -> None:
        self._status = status
        self._surroundings = surroundings

    async def rows(self, ask: Status, caller: Caller) -> tuple[StatusRow, ...]:
        """What was asked about, in promotion order, with everything that is known of it.

        Raises UnknownName, and IntegrationError when the overlay repository does not answer.
        """
        return await self._whole(await self._status.glance(ask.app, ask.environment, caller), caller)

    async def page(self, ask: Status, caller: Caller) -> StatusOverview:
        """A page of all apps that the caller may view. A page that no longer exists is the last one."""
        found = await self._status.glance("", ask.environment, caller)
        sizes = Counter([seen.overlay.app for seen in found])
        ranks: dict[str, int] = {}
        for seen in found:
            if seen.rank < WELL:
                ranks[seen.overlay.app] = min(seen.rank, ranks.get(seen.overlay.app, WELL))
        unwell = sorted(ranks, key=lambda app: (ranks[app], app))
        listed = unwell if ask.unwell else [*unwell, *(app for app in sizes if app not in ranks)]
        pages = _pages(listed, sizes)
        number = min(max(1, ask.page), len(pages))
        order = {app: at for at, app in enumerate(pages[number - 1])}
        shown = sorted((one for one in found if one.overlay.app in order), key=lambda one: order[one.overlay.app])
        page = StatusPage(number, len(pages), len(sizes), len(unwell), ask.unwell, ask.environment)
        return StatusOverview(await self._whole(shown, caller), page)

    async def _whole(self, seen: Sequence[Seen], caller: Caller) -> tuple[StatusRow, ...]:
        return await self._surroundings.around(await self._status.rows(seen, caller), caller)


def _pages(apps: Iterable[str], rows: Mapping[str, int]) -> list[list[str]]:
    """At least one, perhaps empty; each holds as many whole apps as fit."""
    pages: list[list[str]] = [[]]
    taken = 0
    for app in apps:
        if pages[-1] and taken + rows[app] > ROWS:
            pages.append([])
            taken = 0
        pages[-1].append(app)
        taken += rows[app]
    return pages
