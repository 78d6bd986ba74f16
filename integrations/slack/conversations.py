"""Which conversation is meant: by id, by name, or by the person in it."""

import asyncio
from collections.abc import Mapping

from bot.domain import slack_id
from bot.domain.errors import NotFound, Refused
from integrations.slack.api import SlackApi
from integrations.slack.failures import SYSTEM

PAGE, PAGES = 500, 40


class ConversationIds:
    """Remembers what it found: ids never change, and a name that moved to another channel needs a restart."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._ids: dict[str, str] = {}
        self._looking = asyncio.Lock()

    async def id_of(self, channel: str) -> str:
        """The id, which editing and reading need (S4). Raises NotFound for a name that no visible channel has."""
        if slack_id.is_conversation(channel):
            return channel
        async with self._looking:
            if channel not in self._ids:
                opened = slack_id.is_user(channel)
                self._ids[channel] = await (self._open(channel) if opened else self._named(channel.removeprefix("#")))
            return self._ids[channel]

    async def _open(self, user: str) -> str:
        answer = await self._api.write("conversations.open", idempotent=True, users=user)
        opened = answer.get("channel")
        if not isinstance(opened, Mapping) or not opened.get("id"):
            raise Refused(SYSTEM, "conversations.open", "the answer names no channel")
        return str(opened["id"])

    async def _named(self, name: str) -> str:
        kinds = {"types": "public_channel,private_channel", "exclude_archived": True, "limit": PAGE}
        async for page in self._api.pages("conversations.list", PAGES, **kinds):
            channels = page.get("channels")
            for channel in channels if isinstance(channels, list) else []:
                if isinstance(channel, Mapping) and channel.get("name") == name and channel.get("id"):
                    return str(channel["id"])
        raise NotFound(SYSTEM, "conversations.list", f"channel_not_found: #{name}: create it, and invite the bot")
