"""Receives: who sends it is proved, it is noted, and answered at once. The work is done later (G18, H22)."""

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.domain.errors import DatabaseAway
from bot.runtime.request_body import LARGE, NotTaken, read, told
from bot.store.codec import dump
from bot.store.webhooks import WebhookStore
from bot.webhooks.sender import Delivery, Malformed, Sender

log = structlog.get_logger()


class Receiver:
    """`secret` is asked at each delivery, so that a rotated one holds at once; without one, everything is refused."""

    def __init__(
        self,
        sender: Sender,
        secret: Callable[[], str],
        store: WebhookStore,
        noted: Callable[[], object],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sender = sender
        self._secret = secret
        self._store = store
        self._noted = noted
        self._clock = clock

    def route(self) -> Route:
        return Route(f"/webhooks/{self._sender.name}", self._receive, methods=["POST"])

    async def _receive(self, request: Request) -> Response:
        """The headers are judged before the body is read, the body's bytes before they are parsed."""
        try:
            secret = self._secret()
        except (OSError, UnicodeDecodeError) as error:
            log.warning("webhook.secret_unreadable", sender=self._sender.name, error=type(error).__name__)
            return told(503, "the secret of this receiver cannot be read just now")
        if not secret:
            return told(403, "this receiver has no secret, so it refuses everything: see `pilothouse doctor`")
        if not self._sender.possible(request.headers, secret):
            return self._stranger()
        try:
            body = await read(request)
        except NotTaken as refused:
            return told(refused.status, refused.sentence)
        if not self._sender.authentic(request.headers, body, secret):
            return self._stranger()
        return await self._note(request, body)

    def _stranger(self) -> Response:
        log.warning("webhook.refused", sender=self._sender.name)
        return told(401, "the signature or token is not the one that is expected")

    async def _note(self, request: Request, body: bytes) -> Response:
        try:
            delivery = await self._read(request.headers, body)
        except Malformed as error:
            return told(400, str(error))
        if delivery is None:
            return JSONResponse({"accepted": False, "reason": "it does not concern Pilothouse"}, 202)
        try:
            new = await self._store.note(self._sender.name, delivery.id, dump(delivery.facts), self._clock())
        except DatabaseAway:
            return told(503, "it could not be noted: send it again")
        self._noted()
        return JSONResponse({"accepted": new} if new else {"accepted": False, "reason": "it came before"}, 202)

    async def _read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:
        """What is large is parsed beside the event loop."""
        if len(body) > LARGE:
            return await asyncio.to_thread(self._sender.read, headers, body)
        return self._sender.read(headers, body)
