"""From a shortcut to what the person asks: of the message in whose menu it was chosen, the app and the environment."""

from bot.command import CommandRegistry
from bot.domain.caller import Target
from bot.domain.intent import Context, Intent
from bot.ports import Posted
from bot.router.incoming import Body
from bot.store.threads import ThreadStore
from bot.views.ids import shortcut_of, unreadable


class Shortcuts:
    """Looks into the database alone: a window must open before anything slow is asked (S15).

    What a message tells of is handed on as if it had been typed, so whoever may not know of it learns nothing more.
    """

    def __init__(self, registry: CommandRegistry, threads: ThreadStore) -> None:
        self._registry = registry
        self._threads = threads

    async def intent(self, body: Body, context: Context) -> Intent:
        """Raises InvalidCommand for a shortcut that this version does not have."""
        shortcut = self._registry.shortcuts().get(shortcut_of(body["callback_id"]))
        if shortcut is None:
            raise unreadable()
        told = await self._about(body)
        return shortcut.read(told.app, told.environment, context)

    async def _about(self, body: Body) -> Target:
        """What the message tells of, else the first one of its thread."""
        message, channel = body.get("message") or {}, (body.get("channel") or {}).get("id", "")
        places = [Posted(channel, ts) for ts in (message.get("ts"), message.get("thread_ts")) if ts and channel]
        return await self._threads.about(places)
