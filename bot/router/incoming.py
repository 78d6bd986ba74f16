"""One request from Slack: who sent it, from where, and under which id."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.intent import Context
from bot.router.forms import read_form

Body = Mapping[str, Any]

MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
GREETINGS = frozenset({"hey", "hi", "hello", "ok", "okay", "please"})
"""what people say before a mention that changes nothing of what they ask"""

WRITTEN = frozenset({"", "file_share", "thread_broadcast"})
"""subtypes of what a person has just written: plainly, with a file, in a thread and its channel; edits have others"""


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
    thread: str = ""
    """the ts of the message above, where it was said in a thread"""
    at: float = 0.0
    """when it was said, as far as Slack tells, else when it came; in seconds since the epoch"""
    age: float = 0.0
    """seconds between then and the work on it"""
    again: bool = False
    """whether the work on it was begun before, by a process that has not come to its end"""

    @property
    def correlation_id(self) -> str:
        """Short enough to read out to an administrator."""
        return self.request_id[:12]

    @property
    def context(self) -> Context:
        return Context(self.request_id, self.channel, self.correlation_id, self.team, self.again, self.age)

    @property
    def late(self) -> bool:
        return self.context.late


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


def from_submission(body: Body) -> Incoming:
    """The view keeps its id and hash when a submission is delivered twice, and carries the channel along."""
    view, team = body["view"], _team(body)
    channel = read_form(view).metadata.get("channel", "")
    request_id = identify(team, "submission", body["user"]["id"], view["id"], view.get("hash") or "")
    return Incoming("submission", body["user"]["id"], team, request_id, channel)


def from_suggestion(body: Body) -> Incoming:
    """The same letters in the same window are one request: Slack gives it no id of its own."""
    team, user = _team(body), body["user"]["id"]
    window = (body.get("view") or {}).get("id") or ""  # only windows have selects that ask
    request_id = identify(team, "suggestion", user, window, body.get("action_id", ""), body.get("value") or "")
    return Incoming("suggestion", user, team, request_id, _channel(body))


def from_event(body: Body) -> Incoming:
    team, user = body.get("team_id") or "", body["event"].get("user", "")
    return Incoming("event", user, team, identify(team, "event", body.get("event_id") or ""))


def from_shortcut(body: Body) -> Incoming:
    """Each use has a trigger of its own."""
    user, team, trigger = body["user"]["id"], _team(body), body["trigger_id"]
    return Incoming("shortcut", user, team, identify(team, "shortcut", user, trigger), _channel(body), trigger)


def is_said_to_us(event: Mapping[str, Any]) -> bool:
    """A mention of the bot, or a direct message to it, written by a person just now."""
    written = _word(event, "subtype") in WRITTEN
    of_person = written and not _word(event, "bot_id") and bool(_word(event, "user"))
    direct = event.get("type") == "message" and event.get("channel_type") == "im"
    return of_person and (direct or event.get("type") == "app_mention")


def from_mention(body: Body) -> Incoming:
    """What was said to the bot in a message. One message is one request, however it comes to us, and however late: what
    Slack could not deliver it sends again for an hour, or for a day (S11).
    """
    event = body["event"]
    team, channel = _word(event, "team") or body.get("team_id") or "", _word(event, "channel")
    request_id = identify(team, "mention", channel, _word(event, "ts"))
    said = spoken(_word(event, "text"), direct=event.get("channel_type") == "im", own=_own_id(body))
    thread, at = _word(event, "thread_ts"), _seconds(_word(event, "event_ts") or _word(event, "ts"))
    return Incoming("mention", _word(event, "user"), team, request_id, channel, "", said, thread, at)


def spoken(text: str, *, direct: bool, own: str = "") -> str:
    """The command in a message, without the mention of the bot and the slash of habit; Slack escapes three characters.

    All that is left is the command: a "don't" before the mention must be understood as well, or nothing is. `own` is
    the bot's user id, "" where Slack does not tell: then the first mention is the bot's.
    """
    text = _without_mention(text.strip(), direct=direct, own=own)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text.strip().removeprefix("/pilothouse").strip().removeprefix("/")


def _without_mention(text: str, *, direct: bool, own: str) -> str:
    found = list(MENTION.finditer(text))
    ours = next((one for one in found if one[1] == own), next(iter(found), None))
    if ours is None or (direct and ours.start() > 0):
        return text
    before, behind = text[: ours.start()].strip(), text[ours.end() :].strip()
    greeted = all(word.strip(",.!:").lower() in GREETINGS for word in before.split())
    return behind if greeted else f"{before} {behind}".strip()


def _own_id(body: Body) -> str:
    """The bot's own user id, which Slack names with each event; "" where it does not."""
    named = body.get("authorizations")
    ours = [one for one in named if isinstance(one, Mapping) and one.get("is_bot")] if isinstance(named, list) else []
    return _word(ours[0], "user_id") if ours else ""


def _seconds(ts: str) -> float:
    """0.0 for what is no time."""
    return float(ts) if TS.fullmatch(ts) else 0.0


def _word(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def identify(*parts: str) -> str:
    """A short id of the parts: 32 hexadecimal digits, whatever Slack's own ids look like."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def _team(body: Body) -> str:
    return (body.get("user") or {}).get("team_id") or (body.get("team") or {}).get("id") or ""


def _channel(body: Body) -> str:
    return (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or ""
