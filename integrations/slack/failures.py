"""Slack's errors as the domain's own. Most come as `{"ok": false, "error": code}` with status 200 (S1)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.domain.errors import IntegrationError, NotFound, Refused, Unavailable

SYSTEM = "Slack"
ABSENT = frozenset(
    {
        "channel_not_found",
        "message_not_found",
        "no_such_subteam",
        "not_found",
        "subteam_not_found",
        "thread_not_found",
        "user_not_found",
        "user_not_visible",
        "users_not_found",
    }
)
PASSING = frozenset(
    {
        "fatal_error",
        "internal_error",
        "ratelimited",
        "rate_limited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "timeout",
    }
)
REMEDIES = {
    "not_in_channel": "invite the bot to the channel",
    "missing_scope": "add the scope to the app and install it again",
    "invalid_auth": "check the bot token",
    "account_inactive": "install the app again",
    "token_revoked": "install the app again",
    "token_expired": "give the bot a fresh token",
}

BY_APP_TOKEN = frozenset({"apps.connections.open"})
"""methods that take the app-level token, and no bot token (S21)"""
_SET_IT = "check the app-level token (xapp-…) in PILOTHOUSE_SLACK__APP_TOKEN"
APP_LEVEL = {
    "invalid_auth": _SET_IT,
    "not_authed": _SET_IT,
    "not_allowed_token_type": _SET_IT,
    "token_revoked": "make a new app-level token, and set PILOTHOUSE_SLACK__APP_TOKEN",
    "missing_scope": "give the app-level token the scope connections:write",
}


def failure(operation: str, error: SlackApiError) -> IntegrationError:
    """Unavailable, NotFound or Refused, by status (S2) and code."""
    response = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    body = body_of(response)
    code = str(body.get("error") or "")
    if status == 429 or code in PASSING:
        return Unavailable(SYSTEM, operation, code or "ratelimited", wait_of(response))
    if status >= 500:
        return Unavailable(SYSTEM, operation, f"status {status}")
    if code in ABSENT:
        return NotFound(SYSTEM, operation, code)
    if not code:
        return Refused(SYSTEM, operation, f"the answer is not Slack's: status {status}, no JSON with ok and error")
    return Refused(SYSTEM, operation, detail(code, body, APP_LEVEL if operation in BY_APP_TOKEN else REMEDIES))


def detail(code: str, body: Mapping[str, Any], remedies: Mapping[str, str] = REMEDIES) -> str:
    """The code with what Slack adds to it: the missing scope, the places in the blocks, and what helps."""
    parts = [code]
    if needed := body.get("needed"):
        parts.append(f"needs {needed}")
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    if isinstance(messages, list):
        parts += [str(message)[:300] for message in messages[:3]]
    if code in remedies:
        parts.append(remedies[code])
    return ": ".join(parts)


def body_of(response: Any) -> Mapping[str, Any]:
    body = getattr(response, "data", None)
    return body if isinstance(body, Mapping) else {}


def wait_of(response: Any) -> timedelta | None:
    """What Retry-After asks for, in whole seconds (S2)."""
    headers = getattr(response, "headers", None) or {}
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=int(said)) if str(said).isdecimal() and len(str(said)) < 7 else None
