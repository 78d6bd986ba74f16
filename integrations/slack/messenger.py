"""Words to people, on Slack."""

from collections.abc import Mapping
from typing import Any

import structlog

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.ports import FileUpload, Posted, Rendered
from integrations.slack.api import Json, SlackApi
from integrations.slack.conversations import ConversationIds
from integrations.slack.edits import Edits
from integrations.slack.failures import SYSTEM

log = structlog.get_logger()
EVENT_TYPE = "pilothouse"
PAGE, PAGES = 100, 2
"""how far back a post is looked for before it is made: it happens seconds or minutes after the first try"""


class SlackMessenger:
    """Implements the ports Messenger and MessageLinks.

    A channel is an id, a #name, or a user's id for their direct messages.
    """

    def __init__(self, api: SlackApi, *, edits: Edits | None = None) -> None:
        self._api = api
        self._edits = edits or Edits()
        self._conversations = ConversationIds(api)

    async def post(
        self,
        channel: str,
        message: Rendered,
        *,
        thread: str = "",
        broadcast: bool = False,
        key: str = "",
        first: bool = False,
    ) -> Posted:
        """With a `key`, a message that carries it already is brought up to date, and no second one posted (S3, S18).

        Where it is the `first` try nothing is looked for: the history of a channel is the slowest of all reads.
        """
        channel = await self._conversations.id_of(channel)
        if key and not first and (posted := await self._find(channel, thread, key)):
            await self.update(posted, message)
            return posted
        extra: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
        if thread:
            extra |= {"thread_ts": thread, "reply_broadcast": broadcast}
        if key:
            extra["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        answer = await self._api.write("chat.postMessage", channel=channel, **content(message), **extra)
        return posted_at(answer, "chat.postMessage", channel)

    async def update(self, posted: Posted, message: Rendered) -> None:
        """At most one edit a second goes out for each message; one that is overtaken by a newer one does not (S4)."""

        async def send() -> None:
            place = {"channel": posted.channel, "ts": posted.ts}
            await self._api.write("chat.update", idempotent=True, **place, **content(message))

        await self._edits.submit(posted, send)

    async def whisper(self, channel: str, user: str, message: Rendered, *, thread: str = "") -> None:
        channel = await self._conversations.id_of(channel)
        place: dict[str, Any] = {"channel": channel, "user": user, **({"thread_ts": thread} if thread else {})}
        await self._api.write("chat.postEphemeral", **place, **content(message))

    async def direct(self, user: str, message: Rendered) -> Posted:
        return await self.post(user, message)

    async def upload(self, channel: str, file: FileUpload, thread: str = "") -> None:
        await self._api.upload(await self._conversations.id_of(channel), file, thread)

    async def permalink(self, posted: Posted) -> str:
        answer = await self._api.read("chat.getPermalink", channel=posted.channel, message_ts=posted.ts)
        link = answer.get("permalink")
        if not isinstance(link, str) or not link:
            raise Refused(SYSTEM, "chat.getPermalink", "the answer names no permalink")
        return link

    async def remove(self, posted: Posted) -> None:
        await self._api.write("chat.delete", idempotent=True, channel=posted.channel, ts=posted.ts)

    async def channel_id(self, channel: str) -> str:
        """The id of a channel that is named. Raises NotFound."""
        return await self._conversations.id_of(channel)

    async def _find(self, channel: str, thread: str, key: str) -> Posted | None:
        """The message that an earlier try posted.

        Where the bot may not read, or reading is limited, there is no way to know: a message that comes twice, once in
        a blue moon, is better than one that does not come.
        """
        method = "conversations.replies" if thread else "conversations.history"
        place = {"channel": channel, **({"ts": thread} if thread else {})}
        try:
            async for page in self._api.pages(method, PAGES, **place, limit=PAGE, include_all_metadata=True):
                if ts := carrying(page, key):
                    return Posted(channel, ts)
        except NotFound:
            return None
        except (Refused, Unavailable) as error:
            log.warning("slack.cannot_look_for_earlier_post", channel=channel, detail=error.detail)
        return None


def content(message: Rendered) -> dict[str, Any]:
    """Always text, blocks and attachments, so that an edit leaves nothing of what was there (S4).

    Blocks stand by themselves; only small print at the end goes into an attachment, beside the colour: Slack may fold
    attachments away, and neither buttons nor the last line of a list must be.
    """
    blocks = [dict(block) for block in message.blocks]
    attachments: list[dict[str, Any]] = []
    if message.color and len(blocks) > 1 and blocks[-1]["type"] == "context":
        attachments = [{"color": message.color, "blocks": [blocks.pop()], "fallback": message.text[:300]}]
    return {"text": message.text, "blocks": blocks, "attachments": attachments}


def carrying(page: Json, key: str) -> str:
    """The ts of the message on a page of history whose metadata has this key, or "" (S18)."""
    messages = page.get("messages")
    for message in messages if isinstance(messages, list) else []:
        metadata = message.get("metadata") if isinstance(message, Mapping) else None
        if not isinstance(metadata, Mapping) or metadata.get("event_type") != EVENT_TYPE:
            continue
        payload = metadata.get("event_payload")
        if isinstance(payload, Mapping) and payload.get("key") == key and message.get("ts"):
            return str(message["ts"])
    return ""


def posted_at(answer: Json, method: str, channel: str) -> Posted:
    ts = answer.get("ts")
    if not isinstance(ts, str) or not ts:
        raise Refused(SYSTEM, method, "the answer names no ts")
    return Posted(str(answer.get("channel") or channel), ts)
