"""One call of a Web API method: its arguments, whoever made it, and the methods' common ground."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Channel, Json, SlackUser

T = TypeVar("T")
LIMIT_MAX = 1000


class Args:
    """The arguments, whether they came in the query, a form or a JSON body: forms carry everything as strings."""

    def __init__(self, raw: Json) -> None:
        self.raw = {name: value for name, value in raw.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self.raw

    def text(self, name: str, default: str = "") -> str:
        value = self.raw.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def required(self, name: str) -> str:
        """Raises SlackError invalid_arguments when it is missing or empty."""
        if value := self.text(name):
            return value
        raise SlackError("invalid_arguments", [f"missing required field: {name}"])

    def flag(self, name: str, default: bool = False) -> bool:
        return str(self.raw.get(name, default)).lower() in {"1", "true"}

    def number(self, name: str, default: int, error: str = "invalid_arguments") -> int:
        try:
            return int(self.raw.get(name, default))
        except (TypeError, ValueError):
            raise SlackError(error) from None

    def data(self, name: str, error: str) -> Any:
        """A structured argument: itself in a JSON body, a JSON string in a form. None when it is absent."""
        value = self.raw.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None


@dataclass
class Call:
    """`warnings` are told in the reply (S1)."""

    core: Core
    args: Args
    scopes: frozenset[str]
    warnings: list[str] = field(default_factory=list)

    def require(self, scope: str) -> None:
        """Raises SlackError missing_scope."""
        if scope not in self.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def channel(self, ref: str = "", names: bool = False) -> Channel:
        """The conversation of the argument `channel`, by id; by name only where the method takes names (S4)."""
        ref = ref or self.args.text("channel")
        channel = self.core.workspace.channels.get(ref)
        if channel is None and names:
            channel = self.core.workspace.channel(ref)
        if channel is None:
            raise SlackError("channel_not_found")
        return channel

    def user(self, name: str = "user") -> SlackUser:
        user = self.core.workspace.users.get(self.args.text(name))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def page(self, items: Sequence[T], default: int) -> tuple[list[T], str]:
        """One page by `cursor` and `limit`, and the cursor of the next one or ""."""
        limit = self.args.number("limit", default, "invalid_limit") or default
        if not 1 <= limit <= LIMIT_MAX:
            raise SlackError("invalid_limit")
        start = _cursor_start(self.args.text("cursor"))
        end = start + limit
        cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
        return list(items[start:end]), cursor


def _cursor_start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None


Handler = Callable[[Call], Awaitable[Json]]


@dataclass(frozen=True)
class Method:
    """One Web API method. `json` says whether it reads JSON bodies; the older read methods only take forms (S28)."""

    name: str
    handler: Handler
    tier: Tier
    scope: str = ""
    token: Literal["bot", "app", "none"] = "bot"
    json: bool = True
