"""Slack's requests in HTTP mode: authentic by their bytes, then parsed, then Bolt's."""

import asyncio

import structlog
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request import payload_utils
from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.requests import Request
from starlette.responses import Response

from bot.router.signature import SlackSignature
from bot.router.wire import readable
from bot.runtime.request_body import LARGE, NotTaken, read, told

PARTS = (
    payload_utils.to_action,
    payload_utils.to_command,
    payload_utils.to_event,
    payload_utils.to_message,
    payload_utils.to_options,
    payload_utils.to_shortcut,
    payload_utils.to_step,
    payload_utils.to_view,
)
"""what Bolt takes out of every request, whether somebody answers it or not, outside of its error handling"""

log = structlog.get_logger(__name__)


class SlackRequests:
    """Answers one request. Nobody who is not Slack costs more than their headers and the hash of their bytes."""

    def __init__(self, bolt: AsyncApp, signature: SlackSignature) -> None:
        self._bolt = bolt
        self._signature = signature

    async def answer(self, request: Request) -> Response:
        if not self._signature.possible(request.headers):
            return _unsigned()
        try:
            body = await read(request)
        except NotTaken as refused:
            return told(refused.status, refused.sentence)
        try:
            authentic = self._signature.authentic(request.headers, body)
        except (OSError, UnicodeDecodeError) as error:
            log.warning("slack.secret_unreadable", error=type(error).__name__)
            return told(503, "the signing secret cannot be read just now")
        if not authentic:
            return _unsigned()
        parsed = await _parsed(request, body)
        if parsed is None:
            log.warning("slack.malformed_request", length=len(body))
            return told(400, "the body is not what Slack sends")
        return to_starlette_response(await self._bolt.async_dispatch(parsed))


async def _parsed(request: Request, body: bytes) -> AsyncBoltRequest | None:
    """None for what is not of Slack's shape. A large form takes half a second: others do not wait for it."""
    if len(body) > LARGE:
        return await asyncio.to_thread(_parse, request, body)
    return _parse(request, body)


def _parse(request: Request, body: bytes) -> AsyncBoltRequest | None:
    try:
        parsed = to_async_bolt_request(request, body)
        for part in PARTS:
            part(parsed.body)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return None  # Bolt takes for granted that it is a JSON object, with objects in their places
    return parsed if readable(parsed.body) else None


def _unsigned() -> Response:
    log.warning("slack.unsigned_request")
    return told(401, "the signature is not Slack's")
