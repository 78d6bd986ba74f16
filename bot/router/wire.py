"""What is read of Slack's requests, in the types that Slack gives it (S13, S16, S17)."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

Body = Mapping[str, Any]


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
    response_url: str | None = None


class Container(msgspec.Struct):
    channel_id: str | None = None


class Option(msgspec.Struct):
    value: str = ""


class InputState(msgspec.Struct):
    selected_option: dict[str, Any] | None = None
    selected_user: str | None = None
    value: Any = None


class States(msgspec.Struct):
    values: dict[str, dict[str, InputState]] | None = None


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
    response_url: str | None = None


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


class Chosen(msgspec.Struct):
    """Of the message in whose menu a shortcut was chosen."""

    ts: str = ""
    thread_ts: str | None = None


class ShortcutUse(msgspec.Struct):
    """A shortcut, global or of a message: a global one tells of no channel, message and response_url (S14, S15)."""

    user: Named
    callback_id: str
    trigger_id: str
    team: Id | None = None
    channel: Id | None = None
    message: Chosen | None = None
    response_url: str | None = None


class Happened(msgspec.Struct):
    """Of other events the same names hold other things: who reads one looks at what it is."""

    type: str
    user: Any = ""
    tab: Any = ""
    text: Any = ""
    channel: Any = ""
    channel_type: Any = ""
    team: Any = ""
    ts: Any = ""
    thread_ts: Any = ""
    event_ts: Any = ""
    bot_id: Any = ""
    subtype: Any = ""


class EventCallback(msgspec.Struct):
    event: Happened
    team_id: str | None = None
    event_id: str | None = None
    authorizations: Any = None
    """of whom Slack sends it: the bot's own user id is among them"""


class Envelope(msgspec.Struct):
    """What Bolt itself reads of every request."""

    type: str | None = None
    event: dict[str, Any] = {}
    view: dict[str, Any] | None = None
    actions: list[dict[str, Any]] | None = None
    callback_id: str | None = None


class Unanswered(msgspec.Struct):
    """What Bolt reads of a request that nobody here answers, to say so in the log."""

    view: dict[str, Any] = {}


KINDS: Mapping[str, type[msgspec.Struct]] = {
    "command": Slash,
    "button": Press,
    "submission": Submission,
    "event": EventCallback,
    "mention": EventCallback,
    "shortcut": ShortcutUse,
}
SHAPES: Mapping[str, type[msgspec.Struct]] = {
    "block_actions": Press,
    "view_submission": Submission,
    "block_suggestion": Suggesting,
    "event_callback": EventCallback,
    "shortcut": ShortcutUse,
    "message_action": ShortcutUse,
}


def kept(kind: str, body: Body) -> str:
    """What is read of a readable request of that kind, as JSON: nothing else is written down.

    Of the message under a button that is what stands beside it: which boxes were offered (S17).
    """
    shape = msgspec.convert(body, KINDS[kind])
    if isinstance(shape, Press):
        shape.actions = shape.actions[:1]
        if shape.message:
            beside = shape.actions[0].block_id
            shape.message.blocks = [b for b in shape.message.blocks or () if b.get("block_id") == beside]
    return msgspec.json.encode(shape).decode()


def unpacked(body: str) -> dict[str, Any]:
    """What `kept` has made."""
    found: dict[str, Any] = msgspec.json.decode(body)
    return found


def readable(body: Body) -> bool:
    """Whether everything that is read of a request has the type that Slack gives it (S13, S16, S17).

    Requests of kinds that nobody here answers are acknowledged, whatever else is in them.
    """
    try:
        kind = msgspec.convert(body, Envelope).type
        shape = Slash if "command" in body else SHAPES.get(kind or "", Unanswered)
        msgspec.json.encode(msgspec.convert(body, shape))  # half a character cannot be written down
    except (msgspec.ValidationError, ValueError, TypeError, RecursionError):
        return False
    return True
