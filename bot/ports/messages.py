"""Words to people, the windows that they fill in, and what they have asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.chart import Chart


@dataclass(frozen=True)
class Rendered:
    """How something looks: Block Kit blocks and the text that stands for them in notifications."""

    text: str
    blocks: tuple[Mapping[str, Any], ...] = ()
    color: str = ""


@dataclass(frozen=True)
class Posted:
    """Where a message is."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Request:
    """What somebody asked through Slack. `body` is JSON; `at` is when it came, in seconds since the epoch.

    `kind` is command, button, submission or event; `tries` counts how often the work on it was begun.
    """

    id: str
    kind: str
    body: str
    at: float
    tries: int = 1


class RequestLog(Protocol):
    """Requests of Slack, kept over restarts until they are done. Raises DatabaseAway."""

    async def note(self, request: Request) -> bool:
        """Put it down, leased to this process; False when it was put down before. Answers within two seconds.

        Raises DatabaseInDoubt where it may have been put down, else DatabaseAway.
        """

    async def resolve(self) -> tuple[Request, ...]:
        """Of those that may have been put down: the ones that are not done and never will be, each told once. The rest
        is somebody's by now, who does it.
        """

    async def take(self, now: float, limit: int) -> tuple[Request, ...]:
        """The oldest that nobody works on, at most so many, leased to this process from now on."""

    async def renew(self, ids: Iterable[str], now: float) -> None:
        """This process still works on them."""

    async def release(self, ids: Iterable[str] | None = None) -> None:
        """Somebody else may take them; None, after a start: those of a process that was alone and is gone."""

    async def settle(self, id: str) -> None:
        """It is done, or never will be. What it said is forgotten."""


@dataclass(frozen=True)
class FileUpload:
    """`description`: what a picture shows, for those who do not see it. `comment`: mrkdwn, the text of its message."""

    name: str
    content: bytes
    title: str
    description: str = ""
    comment: str = ""


class Messenger(Protocol):
    """Words to people."""

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
        """`key` makes the post findable again, so that a retry after a lost reply does not post twice (S3).

        `first`: no try can have been made before, so there is nothing to look for.
        """

    async def update(self, posted: Posted, message: Rendered) -> None:
        """Raises NotFound when the message is gone."""

    async def whisper(self, channel: str, user: str, message: Rendered, *, thread: str = "") -> None:
        """A message that only one person sees, in a thread where they look at that."""

    async def direct(self, user: str, message: Rendered) -> Posted: ...

    async def upload(self, channel: str, file: FileUpload, thread: str = "") -> None:
        """The message that has it comes a little later (S9)."""


class ChartPainter(Protocol):
    """Draws, without holding anything else up."""

    @property
    def ready(self) -> bool:
        """False where nothing is installed that draws."""

    async def paint(self, chart: Chart) -> bytes:
        """A PNG. Raises Unavailable or Refused."""


class MessageLinks(Protocol):
    """Messages that are there."""

    async def permalink(self, posted: Posted) -> str:
        """A link that opens Slack at the message. Raises NotFound when it is gone."""

    async def remove(self, posted: Posted) -> None:
        """Raises NotFound when it is gone already."""


class Modals(Protocol):
    """Windows over the conversation, and the bot's Home tab. Views are what `bot.views` makes."""

    async def open(self, trigger: str, view: Mapping[str, Any]) -> str:
        """The view's id. Raises Refused when the trigger is older than three seconds, or used (S15)."""

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Raises NotFound when the person has closed it."""

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None: ...
