"""The messages of all conversations, ephemeral ones included."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.slack.changes import Changes
from integrations.sandbox.slack.clock import SlackClock
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.model import Channel, Message

TEXT_MAX = 40_000

Listener = Callable[[str, Message], None]


class Timeline:
    """Posts, edits and deletes. A message is identified by its channel and `ts`, which never repeats."""

    def __init__(self, clock: SlackClock, changes: Changes) -> None:
        self._clock = clock
        self._changes = changes
        self._messages: dict[str, dict[str, Message]] = {}
        self._last = 0
        self.listeners: list[Listener] = []

    def next_ts(self) -> str:
        """Seconds and microseconds, always later than the one before."""
        self._last = max(self._last + 1, int(self._clock.now() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def find(self, channel: str, ts: str) -> Message | None:
        message = self._messages.get(channel, {}).get(ts)
        return None if message is None or message.deleted else message

    def post(self, channel: Channel, user: str, **parts: Any) -> Message:
        """Raises SlackError thread_not_found for a thread whose first message never was."""
        parts["thread_ts"] = self._root(channel.id, parts.get("thread_ts", ""))
        parts["text"] = str(parts.get("text", ""))[:TEXT_MAX]
        message = Message(channel.id, self.next_ts(), user, **parts)
        self._messages.setdefault(channel.id, {})[message.ts] = message
        self._tell("posted", message)
        return message

    def _root(self, channel: str, thread_ts: str) -> str:
        if not thread_ts:
            return ""
        parent = self._messages.get(channel, {}).get(thread_ts)
        if parent is None or parent.ephemeral_to:
            raise SlackError("thread_not_found")
        return parent.thread_ts or parent.ts

    def edit(self, message: Message, editor: str, mark: bool = True, **parts: Any) -> None:
        """Replaces parts of a message in place; the blocks that were there stay known as a revision."""
        message.revisions.append(message.all_blocks())
        for name, value in parts.items():
            setattr(message, name, value)
        if mark:
            message.edited = {"user": editor, "ts": self.next_ts()}
        self._tell("updated", message)

    def delete(self, message: Message) -> None:
        message.deleted = True
        self._tell("deleted", message)

    def changed(self, message: Message) -> None:
        """Tells of a change beside the message itself, such as a reaction."""
        self._tell("updated", message)

    def stored(self, channel: str) -> list[Message]:
        """What conversations.history knows of, oldest first: no ephemeral messages (S14)."""
        return [m for m in self._messages.get(channel, {}).values() if not m.deleted and not m.ephemeral_to]

    def visible(self, channel: str, user: str) -> list[Message]:
        """What one person sees, oldest first, thread replies included."""
        everything = self._messages.get(channel, {}).values()
        return [m for m in everything if not m.deleted and m.ephemeral_to in {"", user}]

    def replies(self, message: Message) -> list[Message]:
        return [m for m in self.stored(message.channel) if m.thread_ts == message.ts]

    def _tell(self, change: str, message: Message) -> None:
        self._changes.tell(
            "message",
            change=change,
            channel=message.channel,
            ts=message.ts,
            thread_ts=message.thread_ts,
            ephemeral_to=message.ephemeral_to,
        )
        for listener in self.listeners:
            listener(change, message)
