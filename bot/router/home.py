"""The Home tab: drawn anew each time that somebody opens it."""

from bot.domain.caller import Caller
from bot.ports import Modals
from bot.queries.holds import HoldsQuery
from bot.queries.status import DETAILED, StatusQuery
from bot.views import closing_modal, home
from bot.views.refusal import refusal

EXAMPLES = ("/deploy", "/status", "/pipeline list", "/pilothouse help")


class Home:
    def __init__(self, status: StatusQuery, holds: HoldsQuery, modals: Modals) -> None:
        self._status = status
        self._holds = holds
        self._modals = modals

    async def show(self, caller: Caller) -> None:
        rows = await self._status.rows("", "", caller)
        live = {row.promotion.id: row.promotion for row in rows if row.promotion}
        held = await self._holds.holds(caller)
        shown = home(
            tuple(live.values()), rows, commands=EXAMPLES, looked_up=len(rows) <= DETAILED, reviews=held.reviews
        )
        await self._modals.publish_home(caller.id, shown)

    async def refuse(self, user: str, sentence: str) -> None:
        blocks = closing_modal("Pilothouse", refusal(sentence).text)["blocks"]
        await self._modals.publish_home(user, {"type": "home", "blocks": blocks})
