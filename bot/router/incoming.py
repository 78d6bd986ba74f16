"""One request from Slack: who sent it, from where, and under which id."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from bot.domain.intent import Context

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Incoming:
    """`request_id` is the same for every delivery of one request, and differs between requests.

    `team` is the workspace of the person, which in shared channels may be another one than the bot's. Names are never
    read: people change them (S8).
    """

    kind: str
    user: str
    team: str
    request_id: str
    channel: str = ""
    trigger: str = ""
    typed: str = ""
    """the whole command, where it was one"""

    @property
    def correlation_id(self) -> str:
        """Short enough to read out to an administrator."""
        return self.request_id[:12]

    @property
    def context(self) -> Context:
        return Context(self.request_id, self.channel, self.correlation_id, self.team)


def from_slash(body: Body) -> Incoming:
    team = body.get("team_id") or ""
    request_id = identify(team, "command", body["user_id"], body["trigger_id"])
    typed = f"{body['command']} {body.get('text') or ''}".strip()
    return Incoming("command", body["user_id"], team, request_id, body.get("channel_id", ""), body["trigger_id"], typed)


def from_button(body: Body) -> Incoming:
    """A press is one person's, on one button, at one time: a double click is two presses (S17)."""
    action = body["actions"][0]
    team = _team(body)
    request_id = identify(team, "button", body["user"]["id"], action["action_ts"], action["action_id"])
    return Incoming("button", body["user"]["id"], team, request_id, _channel(body), body.get("trigger_id", ""))


def from_submission(body: Body, channel: str) -> Incoming:
    """The view keeps its id and hash when a submission is delivered twice."""
    view, team = body["view"], _team(body)
    request_id = identify(team, "submission", body["user"]["id"], view["id"], view.get("hash") or "")
    return Incoming("submission", body["user"]["id"], team, request_id, channel)


def from_suggestion(body: Body) -> Incoming:
    team, user = _team(body), body["user"]["id"]
    request_id = identify(team, "suggestion", user, body.get("action_id", ""), body.get("value") or "")
    return Incoming("suggestion", user, team, request_id, _channel(body))


def from_event(body: Body) -> Incoming:
    team, user = body.get("team_id") or "", body["event"].get("user", "")
    return Incoming("event", user, team, identify(team, "event", body.get("event_id") or ""))


def identify(*parts: str) -> str:
    """A short id of the parts: 32 hexadecimal digits, whatever Slack's own ids look like."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def _team(body: Body) -> str:
    return (body.get("user") or {}).get("team_id") or (body.get("team") or {}).get("id") or ""


def _channel(body: Body) -> str:
    return (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or ""


class Id(msgspec.Struct):
    """A person, a workspace, a channel: what is read of them."""

    id: str = ""
    team_id: str | None = None


class Named(msgspec.Struct):
    id: str
    team_id: str | None = None


class Slash(msgspec.Struct):
    """A slash command (S13)."""

    command: str
    user_id: str
    trigger_id: str
    text: str | None = None
    team_id: str | None = None
    channel_id: str | None = None


class Container(msgspec.Struct):
    channel_id: str | None = None


class Option(msgspec.Struct):
    value: str = ""


class State(msgspec.Struct):
    selected_option: dict[str, Any] | None = None


class States(msgspec.Struct):
    values: dict[str, dict[str, State]] | None = None


class View(msgspec.Struct):
    """A modal, as far as it is read (S16)."""

    id: str = ""
    callback_id: str | None = None
    hash: str | None = None
    private_metadata: str | None = None
    state: States | None = None


class Pressed(msgspec.Struct):
    action_id: str
    action_ts: str
    type: str
    block_id: str | None = None
    value: str | None = None
    selected_options: list[Option] | None = None


class Element(msgspec.Struct):
    options: list[Option] | None = None


class MessageBlock(msgspec.Struct):
    block_id: str | None = None
    elements: list[Element] | None = None


class Message(msgspec.Struct):
    blocks: list[dict[str, Any]] | None = None


class Press(msgspec.Struct):
    """S17."""

    user: Named
    actions: Annotated[list[Pressed], msgspec.Meta(min_length=1)]
    team: Id | None = None
    channel: Id | None = None
    container: Container | None = None
    message: Message | None = None
    trigger_id: str = ""


class Submission(msgspec.Struct):
    user: Named
    view: View
    team: Id | None = None


class Suggesting(msgspec.Struct):
    user: Named
    action_id: str = ""
    value: str | None = None
    team: Id | None = None
    channel: Id | None = None
    container: Container | None = None
    view: View | None = None


class Happened(msgspec.Struct):
    type: str
    user: Any = ""
    tab: Any = ""


class EventCallback(msgspec.Struct):
    event: Happened
    team_id: str | None = None
    event_id: str | None = None


class Envelope(msgspec.Struct):
    """What Bolt itself reads of every request."""

    type: str | None = None
    event: dict[str, Any] = {}
    view: dict[str, Any] | None = None
    actions: list[dict[str, Any]] | None = None
    callback_id: str | None = None


SHAPES: Mapping[str, type[msgspec.Struct]] = {
    "block_actions": Press,
    "view_submission": Submission,
    "block_suggestion": Suggesting,
    "event_callback": EventCallback,
}


def readable(body: Body) -> bool:
    """Whether everything that is read of a request has the type that Slack gives it (S13, S16, S17).

    Requests of kinds that nobody here answers are acknowledged, whatever is in them.
    """
    try:
        kind = msgspec.convert(body, Envelope).type
        shape = Slash if "command" in body else SHAPES.get(kind or "")
        if shape is not None:
            msgspec.convert(body, shape)
    except (msgspec.ValidationError, ValueError, TypeError, RecursionError):
        return False
    return True
