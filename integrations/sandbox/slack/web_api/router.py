"""`/api/<method>`: reads the arguments, checks the token, the scope and the rate, calls the method (S1, S2)."""

import json
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.errors import RateLimitedError, SlackError
from integrations.sandbox.slack.model import Json
from integrations.sandbox.slack.web_api import chat, conversations, files, identity, reactions, users, views
from integrations.sandbox.slack.web_api.call import Args, Call, Method

FAMILIES = (identity, chat, conversations, users, views, files, reactions)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class WebApi:
    """All methods of the Web API on one route. `extra` adds methods that live beside the families."""

    def __init__(self, core: Core, extra: Iterable[Method] = ()) -> None:
        self._core = core
        families = [method for family in FAMILIES for method in family.METHODS]
        self.methods = {method.name: method for method in [*families, *extra]}
        self.route = Route("/api/{method}", self._serve, methods=["GET", "POST"])

    async def _serve(self, request: Request) -> JSONResponse:
        name = request.path_params["method"]
        self._core.learn_url(str(request.url).split("/api/")[0])
        headers = {"x-slack-req-id": secrets.token_hex(16)}
        method = self.methods.get(name)
        if method is None:
            return JSONResponse({"ok": False, "error": "unknown_method", "req_method": name}, headers=headers)
        try:
            return JSONResponse(await self._answer(request, method, headers), headers=headers)
        except RateLimitedError as refusal:
            return JSONResponse(refusal.body(), 429, {**headers, "retry-after": str(refusal.retry_after)})
        except SlackError as refusal:
            return JSONResponse(refusal.body(), headers=headers)

    async def _answer(self, request: Request, method: Method, headers: dict[str, str]) -> Json:
        warnings: list[str] = []
        args = await _arguments(request, method, warnings)
        scopes = self._authorize(request, args, method)
        if method.token != "none":
            headers["x-oauth-scopes"] = ",".join(sorted(scopes))
            headers["x-accepted-oauth-scopes"] = method.scope
        call = Call(self._core, args, scopes, warnings)
        if method.scope:
            call.require(method.scope)
        self._core.limiter.check_method(method.name, method.tier)
        reply = await method.handler(call)
        if warnings:
            told = {**reply.get("response_metadata", {}), "warnings": warnings}
            reply = {**reply, "warning": ",".join(warnings), "response_metadata": told}
        return {"ok": True, **reply}

    def _authorize(self, request: Request, args: Args, method: Method) -> frozenset[str]:
        """The scopes of the token. Raises SlackError not_authed, invalid_auth, not_allowed_token_type."""
        if method.token == "none":
            return frozenset()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else str(args.raw.pop("token", ""))
        args.raw.pop("token", None)
        if not token:
            raise SlackError("not_authed")
        config = self._core.config
        known = {
            config.bot_token: ("bot", config.bot_scopes),
            config.app_token: ("app", config.app_scopes),
        }
        kind, scopes = known.get(token, ("", ()))
        if not kind:
            raise SlackError("invalid_auth")
        if kind != method.token:
            raise SlackError("not_allowed_token_type")
        return frozenset(scopes)


async def _arguments(request: Request, method: Method, warnings: list[str]) -> Args:
    """Query, form and JSON arguments as one. Raises SlackError for a body that cannot be read."""
    raw: Json = dict(request.query_params)
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if request.method == "GET" or not body:
        return Args(raw)
    if kind == FORM:
        return Args(raw | _form(body))
    if kind != JSON:
        raise SlackError("invalid_post_type")
    if "charset" not in content_type.lower():
        warnings.append("missing_charset")
    posted = _json(body)
    # The older read methods never look into a JSON body: the arguments are simply missing there (S28).
    return Args(raw | posted) if method.json else Args(raw)


def _form(body: bytes) -> Json:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=False))
    except UnicodeDecodeError:
        raise SlackError("invalid_form_data") from None


def _json(body: bytes) -> Json:
    try:
        posted: Any = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(posted, dict):
        raise SlackError("json_not_object")
    return posted
