"""Answers that are not Web API calls: payloads of acknowledgements, and POSTs to response URLs (S14)."""

import json
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from integrations.sandbox.slack.blockkit.surfaces import message_attachments, message_blocks
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.model import Channel, Json, Message


def respond(core: Core, body: Json, user: str, channel: Channel, original: Message | None = None) -> Message | None:
    """Shows, replaces or deletes a message as the body says. Raises SlackError for a body that Slack refuses."""
    if body.get("delete_original"):
        if original is not None:
            core.timeline.delete(original)
        return None
    content = _content(core, body)
    app = core.workspace.app
    if body.get("replace_original") and original is not None:
        core.timeline.edit(original, app.bot_user_id, mark=False, **content)
        return original
    return core.timeline.post(
        channel,
        app.bot_user_id,
        bot_id=app.bot_id,
        thread_ts=str(body.get("thread_ts") or ""),
        ephemeral_to="" if body.get("response_type") == "in_channel" else user,
        **content,
    )


def _content(core: Core, body: Json) -> Json:
    text, blocks, attachments = body.get("text") or "", body.get("blocks"), body.get("attachments")
    if not (text or blocks or attachments):
        raise SlackError("no_text")
    if body.get("response_type") not in {None, "ephemeral", "in_channel"}:
        raise SlackError("invalid_response_type")
    if not text and blocks:
        core.complain("a response has blocks but no text: notifications and screen readers have nothing to show")
    return {
        "text": str(text),
        "blocks": message_blocks(blocks) if blocks else [],
        "attachments": message_attachments(attachments) if attachments else [],
    }


class ResponseUrlEndpoint:
    """Takes POSTs to response URLs: five in thirty minutes, then 404 expired_url (S14)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.routes = [
            Route(f"/{kind}/{{team}}/{{number}}/{{secret}}", self._serve, methods=["POST"])
            for kind in ("commands", "actions", "app")
        ]

    async def _serve(self, request: Request) -> Response:
        parts = request.path_params
        kind = request.url.path.rsplit("/", 4)[1]
        try:
            ticket = self._core.response_urls.use(f"/{kind}/{parts['team']}/{parts['number']}/{parts['secret']}")
        except SlackError as refusal:
            return JSONResponse(refusal.body(), 404)
        channel = self._core.workspace.channels[ticket.channel]
        original = self._core.timeline.find(channel.id, ticket.message_ts)
        try:
            respond(self._core, await _body(request), ticket.user, channel, original)
        except SlackError as refusal:
            self._core.complain(f"a response URL refused what was posted to it: {refusal.code}")
            return JSONResponse(refusal.body(), 400)
        return PlainTextResponse("ok")


async def _body(request: Request) -> Json:
    raw = (await request.body()).decode(errors="replace")
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raw = parse_qs(raw).get("payload", [""])[0]
    try:
        body = json.loads(raw)
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    return body
