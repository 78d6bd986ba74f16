"""Slack: the bot's token with its scopes, and the way by which Slack reaches the bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.doctor.finding import Check, Skipped, Wrong, once_reached, said
from bot.domain.errors import Refused, Unavailable
from bot.settings import Settings, SlackSettings
from integrations.slack import SlackApi, probe
from integrations.slack.probe import SCOPES, socket_mode

SYSTEM = "Slack"
FIX_TOKEN = "Install the app and put its bot token (xoxb-…) into PILOTHOUSE_SLACK__BOT_TOKEN."  # noqa: S105
FIX_APP_TOKEN = "Make an app-level token with connections:write and put it into PILOTHOUSE_SLACK__APP_TOKEN."  # noqa: S105
FIX = "Let the bot reach Slack (proxy, firewall), or fix PILOTHOUSE_SLACK__API_URL."
FIX_SCOPES = "Add the scopes to the app (`pilothouse slack-manifest` prints them all) and install it again."
FIX_SOCKET = "Turn on Socket Mode in the app's settings, and allow wss:// connections to Slack."
FIX_SIGNING = "Put the app's signing secret into PILOTHOUSE_SLACK__SIGNING_SECRET."


@asynccontextmanager
async def workspace(settings: Settings) -> AsyncIterator[SlackApi | None]:
    """None without a token."""
    token = settings.slack.credential("bot_token")
    if not token:
        yield None
        return
    api = SlackApi(token, settings.slack.api_url, tls=settings.slack)
    try:
        yield api
    finally:
        await api.aclose()


def checks(settings: Settings, api: SlackApi | None) -> tuple[Check, ...]:
    slack = settings.slack

    async def token() -> str:
        if api is None:
            raise Wrong("no bot token is set")
        with once_reached(SYSTEM, FIX):
            seen = await probe(api)
        return f"workspace {seen.team_name} ({seen.team}), bot user {seen.bot_user}"

    async def scopes() -> str:
        if api is None:
            raise Skipped("first fix Slack: bot token")
        with once_reached(SYSTEM):
            seen = await probe(api)
        if seen.missing:
            raise Wrong("missing " + ", ".join(f"{scope} ({why})" for scope, why in seen.missing.items()))
        return f"it has all {len(SCOPES)}"

    async def signing() -> str:
        if not slack.credential("signing_secret")():
            raise Wrong("no signing secret is set, so every request from Slack would be refused")
        return "set"

    common = (Check(SYSTEM, "bot token", token, FIX_TOKEN), Check(SYSTEM, "scopes", scopes, FIX_SCOPES))
    if slack.mode == "http":
        return (*common, Check(SYSTEM, "signing secret", signing, FIX_SIGNING))
    return (*common, Check(SYSTEM, "Socket Mode", lambda: _socket_mode(slack), FIX_SOCKET))


async def _socket_mode(slack: SlackSettings) -> str:
    token = slack.credential("app_token")
    if not token:
        raise Wrong("no app-level token is set", FIX_APP_TOKEN)
    if not token().startswith("xapp-"):
        raise Wrong("the app-level token does not begin with xapp-", FIX_APP_TOKEN)
    api = SlackApi(token, slack.api_url, tls=slack)
    try:
        connections = await socket_mode(api)
    except (Refused, Unavailable) as error:
        at_the_door = FIX_APP_TOKEN if isinstance(error, Refused) else f"Make {SYSTEM} reachable first."
        raise Wrong(said(error), at_the_door if error.operation == "apps.connections.open" else FIX_SOCKET) from error
    finally:
        await api.aclose()
    return f"connected; {connections} of at most 10 connections are open, this one included"
