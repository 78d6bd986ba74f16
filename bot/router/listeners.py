"""Bolt, set up so that every request of Slack reaches the router, and every request is acknowledged (S25)."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.router.answers import Respond
from bot.router.incoming import Body
from bot.router.router import Ack, Router
from bot.router.signature import SlackSignature
from bot.router.wire import readable
from bot.runtime.metrics import ACKNOWLEDGED

Listener = Callable[..., Awaitable[None]]

ANY = re.compile("")
RECEIVED = "received"
Credential = Callable[[], str]

log = structlog.get_logger(__name__)


def bolt_app(router: Router, client: Any, token: Credential, signing_secret: Credential) -> AsyncApp:
    """The Bolt application, for Socket Mode and for HTTP. `client` is slack_sdk's AsyncWebClient.

    Both secrets are asked for at each request, so rotated ones need no restart. Without a signing secret, requests over
    HTTP are refused; Socket Mode has no signatures (S24).
    """

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Bolt would call auth.test before the first acknowledgement. The router asks the directory who the person is.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token())

    app = AsyncApp(
        name="pilothouse",
        client=client,
        authorize=authorize,
        # Handlers acknowledge at once and go on in tasks of their own; Bolt would poll for the ack every 10 ms.
        process_before_response=True,
        request_verification_enabled=False,
        # Workflow functions and assistants are not for this bot: their middleware would only cost time.
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        before_authorize=Verification(signing_secret),
    )
    router.handlers.responding = lambda url: AsyncRespond(response_url=url, proxy=client.proxy, ssl=client.ssl)
    app.command(ANY)(_answering("command", router.on_command))
    app.action(ANY)(_answering("button", router.on_button))
    app.view(ANY)(_acknowledging("submission", router.on_submission))
    app.options(ANY)(_acknowledging("suggestion", router.on_suggestion))
    app.event("app_home_opened")(_acknowledging("event", router.on_home))
    for said in ("app_mention", "message"):
        app.event(said)(_acknowledging("event", router.on_message))
    app.shortcut(ANY)(_answering("shortcut", router.on_shortcut))
    for others in (app.event, app.view_closed):
        others(ANY)(_acknowledge)
    app.error(_log_error)
    return app


class Verification(AsyncMiddleware):
    """Notes when a request came in, and lets nothing pass that is not signed (S12), or not of Slack's shape.

    Socket Mode has no signatures: its connection is the proof (S24).
    """

    def __init__(self, signing_secret: Credential) -> None:
        self._signature = SlackSignature(signing_secret)

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 (Bolt hands it on)
        next: Callable[[], Awaitable[BoltResponse]],
    ) -> BoltResponse:
        req.context[RECEIVED] = time.perf_counter()
        headers = {name: values[0] for name, values in req.headers.items() if values}
        if req.mode != "socket_mode" and not self._signature.authentic(headers, req.raw_body.encode()):
            return BoltResponse(status=401, body='{"error": "the signature is not Slack\'s"}')
        if not readable(req.body):
            log.warning("slack.malformed_request", mode=req.mode)
            return BoltResponse(status=400, body='{"error": "the body is not what Slack sends"}')
        return await next()


def _answering(kind: str, handle: Callable[[Body, Ack, Respond], Awaitable[None]]) -> Listener:
    async def listener(body: Body, context: AsyncBoltContext, ack: AsyncAck, respond: AsyncRespond) -> None:
        await handle(body, ack, respond)
        _observe(kind, context)

    return listener


def _acknowledging(kind: str, handle: Callable[[Body, Ack], Awaitable[None]]) -> Listener:
    async def listener(body: Body, context: AsyncBoltContext, ack: AsyncAck) -> None:
        await handle(body, ack)
        _observe(kind, context)

    return listener


async def _acknowledge(ack: AsyncAck) -> None:
    await ack()


async def _log_error(error: Exception) -> None:
    log.error("request.unreadable", exc_info=error)


def _observe(kind: str, context: AsyncBoltContext) -> None:
    ACKNOWLEDGED.labels(kind).observe(time.perf_counter() - context[RECEIVED])
