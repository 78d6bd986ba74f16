"""From a shortcut to what the person asks: of the message in whose menu it was chosen, the app and the environment."""

from bot.command import CommandRegistry
from bot.domain.errors import UnknownName
from bot.domain.intent import Context, Intent
from bot.notify.subjects import Subjects
from bot.ports import Posted
from bot.promotions.promotions import Promotions
from bot.router.incoming import Body
from bot.views.ids import shortcut_of, unreadable


class Shortcuts:
    """Looks into the database alone: a window must open before anything slow is asked (S15).

    What a card tells of is handed on as if it had been typed, so whoever may not know of it learns nothing more.
    """

    def __init__(self, registry: CommandRegistry, subjects: Subjects, promotions: Promotions) -> None:
        self._registry = registry
        self._subjects = subjects
        self._promotions = promotions

    async def intent(self, body: Body, context: Context) -> Intent:
        """Raises InvalidCommand for a shortcut that this version does not have."""
        shortcut = self._registry.shortcuts().get(shortcut_of(body["callback_id"]))
        if shortcut is None:
            raise unreadable()
        app, environment = await self._about(body)
        return shortcut.read(app, environment, context)

    async def _about(self, body: Body) -> tuple[str, str]:
        """Of a message below a card what the card tells; of a release train the environment alone."""
        message, channel = body.get("message") or {}, (body.get("channel") or {}).get("id", "")
        places = [Posted(channel, ts) for ts in (message.get("ts"), message.get("thread_ts")) if ts and channel]
        found = await self._subjects.promotion(places)
        try:
            plan = (await self._promotions.get(found)).plan if found else None
        except UnknownName:  # a notice of something else
            plan = None
        if plan is None:
            return "", ""
        return plan.app if len(plan.apps) == 1 else "", plan.environment
