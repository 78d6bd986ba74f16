"""Is the token good, and does it carry every scope that the bot uses?"""

from dataclasses import dataclass

from integrations.slack.api import SlackApi

SCOPES = {
    "chat:write": "post cards and notes",
    "commands": "slash commands",
    "users:read": "who asks: guests, deactivated accounts, bots",
    "users:read.email": "people named by e-mail in the policy; authors of commits",
    "usergroups:read": "roles bound to user groups",
    "im:write": "tell the requester the result",
    "channels:read": "channels that the policy names",
    "groups:read": "the same for private channels",
    "channels:history": "find a card again after a crash",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
    "files:write": "long logs as files",
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
