"""Receives: who sends it is proved, it is noted, and answered at once. The work is done later (G18, H22)."""

import asyncio
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.bodies import BODY_LIMIT, BODY_SECONDS, TooLarge, read, told
from bot.store.codec import dump
from bot.store.webhooks import WebhookStore
from bot.webhooks.sender import Malformed, Sender

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
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await read(request)
        except TooLarge:
            return told(413, f"the body is larger than {BODY_LIMIT} bytes")
        except TimeoutError:
            return told(408, f"the body did not come within {BODY_SECONDS:g} seconds")
        except ClientDisconnect:
            return told(400, "the body did not come to its end")
        return self._refusal(request, body) or await self._note(request, body)

    def _refusal(self, request: Request, body: bytes) -> Response | None:
        try:
            secret = self._secret()
        except (OSError, UnicodeDecodeError) as error:
            log.warning("webhook.secret_unreadable", sender=self._sender.name, error=type(error).__name__)
            return told(503, "the secret of this receiver cannot be read just now")
        if not secret:
            return told(403, "this receiver has no secret, so it refuses everything: see `pilothouse doctor`")
        if not self._sender.authentic(request.headers, body, secret):
            log.warning("webhook.refused", sender=self._sender.name)
            return told(401, "the signature or token is not the one that is expected")
        return None

    async def _note(self, request: Request, body: bytes) -> Response:
        try:
            delivery = self._sender.read(request.headers, body)
        except Malformed as error:
            return told(400, str(error))
        if delivery is None:
            return JSONResponse({"accepted": False, "reason": "it does not concern Pilothouse"}, 202)
        try:
            new = await self._store.note(self._sender.name, delivery.id, dump(delivery.facts), self._clock())
        except SQLAlchemyError as error:
            log.warning("webhook.not_noted", sender=self._sender.name, error=type(error).__name__)
            return told(503, "it could not be noted: send it again")
        self._noted()
        return JSONResponse({"accepted": new} if new else {"accepted": False, "reason": "it came before"}, 202)
