"""Slack's events over a connection of our own, made anew every few hours and whenever it breaks (S21, S23)."""

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from bot.domain.errors import Refused
from integrations.slack.api import SlackApi
from integrations.slack.failures import SYSTEM

METHOD = "apps.connections.open"
PING_SECONDS = 10


async def address(api: SlackApi) -> str:
    """Of one WebSocket, for one use and soon (S21). Raises Unavailable, Refused."""
    answer = await api.write(METHOD, idempotent=True)
    url = answer.get("url") if isinstance(answer, Mapping) else None
    if not isinstance(url, str) or not url.startswith(("ws://", "wss://")):
        raise Refused(SYSTEM, METHOD, "the answer names no WebSocket")
    return url


class OneUse:
    """The session, as slack_sdk uses it. An address is forgotten when it is used: it is for one use (S21).

    The SDK would go on trying the one that did not work, for ever.
    """

    def __init__(self, session: aiohttp.ClientSession, forget: Callable[[], None]) -> None:
        self._session = session
        self._forget = forget

    @property
    def closed(self) -> bool:
        return self._session.closed

    async def ws_connect(self, url: str, **options: Any) -> aiohttp.ClientWebSocketResponse:
        self._forget()
        socket: aiohttp.ClientWebSocketResponse = await self._session.ws_connect(url, **options)
        return socket

    async def close(self) -> None:
        await self._session.close()


class SocketMode(SocketModeClient):
    """slack_sdk's client over `api`, which has the app-level token and asks for it at each connect.

    So a rotated token needs no restart, and trust, proxies and waits are those of every other call. To be made inside
    the running loop.
    """

    def __init__(self, api: SlackApi, ping_seconds: float = PING_SECONDS) -> None:
        super().__init__("", web_client=api.client, ping_interval=ping_seconds)
        self._api = api
        self._made_by_sdk = self.aiohttp_client_session
        self.aiohttp_client_session = OneUse(api.session(), self._forget)  # type: ignore[assignment]
        self.proxy = None  # the SDK's ignores NO_PROXY; the session has the environment's

    def _forget(self) -> None:
        self.wss_uri = None

    async def issue_new_wss_url(self) -> str:
        return await address(self._api)

    async def connect(self) -> None:
        await self._made_by_sdk.close()
        await super().connect()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        await self._made_by_sdk.close()
        await super().close()  # type: ignore[no-untyped-call]
