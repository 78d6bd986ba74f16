"""A workspace's conversations in memory, with the failures that matter on demand."""

from collections import deque
from dataclasses import dataclass, field

from bot.domain.errors import IntegrationError, NotFound, Unavailable
from bot.ports import FileUpload, Posted, Rendered


@dataclass
class FakeMessage:
    """`versions` are all that it has shown, newest last."""

    posted: Posted
    versions: list[Rendered]
    thread: str = ""
    broadcast: bool = False
    key: str = ""
    only_for: str = ""

    @property
    def shown(self) -> Rendered:
        return self.versions[-1]


@dataclass(frozen=True)
class FakeFile:
    channel: str
    file: FileUpload
    thread: str = ""


@dataclass
class FakeMessenger:
    """A post with a known `key` changes the message that has it and posts no second one, as the real one does (S3),
    which looks for none where it is told that it is the `first` try.

    `failures` are raised by the next calls, before anything happens; those in `closed`, by channel, while they are
    there. `lost_replies` counts the next posts that
    happen although their reply is lost. A user id in the place of a channel means that user's direct messages.
    """

    messages: list[FakeMessage] = field(default_factory=list)
    files: list[FakeFile] = field(default_factory=list)
    no_files: IntegrationError | None = None
    """why it takes none"""
    failures: deque[IntegrationError] = field(default_factory=deque)
    closed: dict[str, IntegrationError] = field(default_factory=dict)
    lost_replies: int = 0
    _ticks: int = 0

    async def post(
        self,
        channel: str,
        message: Rendered,
        *,
        thread: str = "",
        broadcast: bool = False,
        key: str = "",
        first: bool = False,
    ) -> Posted:
        self._fail(channel)
        channel = direct_channel(channel)
        known = next((m for m in self.messages if key and (m.key, m.posted.channel) == (key, channel)), None)
        if known is not None and not first:
            known.versions.append(message)
            return known.posted
        posted = self._keep(FakeMessage(Posted(channel, self._ts()), [message], thread, broadcast, key))
        if self.lost_replies:
            self.lost_replies -= 1
            raise Unavailable("Slack", "chat.postMessage", "the connection was reset")
        return posted

    async def update(self, posted: Posted, message: Rendered) -> None:
        self._fail(posted.channel)
        self.at(posted).versions.append(message)

    async def whisper(self, channel: str, user: str, message: Rendered, *, thread: str = "") -> None:
        self._fail(channel)
        self._keep(FakeMessage(Posted(channel, self._ts()), [message], thread, only_for=user))

    async def direct(self, user: str, message: Rendered) -> Posted:
        return await self.post(user, message)

    async def upload(self, channel: str, file: FileUpload, thread: str = "") -> None:
        self._fail(channel)
        if self.no_files:
            raise self.no_files
        self.files.append(FakeFile(direct_channel(channel), file, thread))

    async def permalink(self, posted: Posted) -> str:
        self.at(posted)
        return f"https://acme.slack.com/archives/{posted.channel}/p{posted.ts.replace('.', '')}"

    async def remove(self, posted: Posted) -> None:
        self._fail(posted.channel)
        self.delete(posted)

    def at(self, posted: Posted) -> FakeMessage:
        """Raises NotFound."""
        for message in self.messages:
            if message.posted == posted and not message.only_for:
                return message
        raise NotFound("Slack", "chat.update", "message_not_found")

    def in_channel(self, channel: str) -> list[FakeMessage]:
        """All that is in a channel, threads included, whispers not."""
        return [m for m in self.messages if m.posted.channel == channel and not m.only_for]

    def whispers(self, user: str) -> list[str]:
        return [message.shown.text for message in self.messages if message.only_for == user]

    def delete(self, posted: Posted) -> None:
        self.messages.remove(self.at(posted))

    def _keep(self, message: FakeMessage) -> Posted:
        self.messages.append(message)
        return message.posted

    def _ts(self) -> str:
        self._ticks += 1
        return f"1700000000.{self._ticks:06d}"

    def _fail(self, channel: str) -> None:
        if channel in self.closed:
            raise self.closed[channel]
        if self.failures:
            raise self.failures.popleft()


def direct_channel(channel: str) -> str:
    return f"D{channel[1:]}" if channel.startswith(("U", "W")) else channel
