"""Are the tokens good, do they carry every scope that the bot uses, and is it where it is to speak?"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from bot.domain.errors import Refused, Unavailable
from integrations.slack.api import SlackApi
from integrations.slack.conversations import ConversationIds
from integrations.slack.failures import SYSTEM
from integrations.slack.socket_mode import address

HELLO_SECONDS = 10

SCOPES = {
    "chat:write": "post cards and notes",
    "commands": "slash commands and shortcuts",
    "app_mentions:read": "commands in channels and threads, after a mention of the bot",
    "users:read": "the requester: guest, deactivated account or bot",
    "users:read.email": "people named by e-mail in the policy; authors of commits",
    "usergroups:read": "roles bound to user groups",
    "im:write": "tell the requester the result",
    "channels:read": "channels that the policy names",
    "groups:read": "the same for private channels",
    "channels:history": "find a card again after a crash",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
    "files:write": "long logs as files, the chart of /dora",
}


@dataclass(frozen=True)
class Probe:
    """`missing`: scope → what does not work without it."""

    team: str
    team_name: str
    bot_user: str
    scopes: frozenset[str]
    missing: dict[str, str]


async def probe(api: SlackApi) -> Probe:
    """Asks auth.test; the scopes come in a header. Raises Unavailable or Refused (invalid_auth: the token is wrong)."""
    body, headers = await api.answer("auth.test", {}, verb="POST")
    said = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), "")
    scopes = frozenset(scope.strip() for scope in said.split(",") if scope.strip())
    missing = {scope: why for scope, why in SCOPES.items() if scope not in scopes}
    return Probe(str(body.get("team_id", "")), str(body.get("team", "")), str(body.get("user_id", "")), scopes, missing)


async def socket_mode(api: SlackApi) -> int:
    """Opens a Socket Mode connection with the app-level token of `api`, and closes it at once: how many there are now.

    What Slack sends on it in these milliseconds is not acknowledged, so it comes again or is asked again (S24, S25).
    Raises Unavailable, Refused (not_allowed_token_type: a bot token; link_disabled: Socket Mode is off, S21, S23).
    """
    url = await address(api)
    operation = "connect by Socket Mode"
    try:
        async with asyncio.timeout(HELLO_SECONDS), api.session() as session, session.ws_connect(url) as socket:
            frame = json.loads(await socket.receive_str())
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unavailable(SYSTEM, operation, f"no connection: {type(error).__name__}") from error
    except (TypeError, ValueError) as error:
        raise Refused(SYSTEM, operation, "the first frame is not Slack's") from error
    if not isinstance(frame, Mapping) or frame.get("type") != "hello":
        reason = frame.get("reason") if isinstance(frame, Mapping) else ""
        raise Refused(SYSTEM, operation, str(reason or "Slack does not say hello"))
    return int(frame.get("num_connections") or 1)


async def is_in(api: SlackApi, channel: str) -> bool:
    """Whether the bot is a member of a channel, named by id or #name. Raises NotFound for one that it cannot see."""
    id = await ConversationIds(api).id_of(channel)
    found = (await api.read("conversations.info", channel=id)).get("channel")
    if not isinstance(found, Mapping):
        raise Refused(SYSTEM, "conversations.info", "the answer names no channel")
    return bool(found.get("is_member") or found.get("is_im"))
