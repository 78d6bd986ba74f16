"""What the wire side and the people side share: the state of one workspace and of the one app installed in it."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.slack.changes import Changes
from integrations.sandbox.slack.clock import SlackClock
from integrations.sandbox.slack.files import Files
from integrations.sandbox.slack.limits import RateLimiter, RateLimits
from integrations.sandbox.slack.modals import Views
from integrations.sandbox.slack.model import Shortcut, SlashCommand
from integrations.sandbox.slack.tickets import ResponseUrls, Triggers
from integrations.sandbox.slack.timeline import Timeline
from integrations.sandbox.slack.workspace import Workspace

BOT_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "files:read",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)
APP_SCOPES = ("connections:write",)
EVENTS = ("app_mention", "message.im", "app_home_opened")


@dataclass
class AppConfig:
    """The app's manifest and secrets. All of it may be changed while the server runs.

    `edit_window` is in seconds: the workspace's own limit on editing messages, None for no limit (S4).
    """

    bot_token: str
    app_token: str
    signing_secret: str
    commands: dict[str, SlashCommand]
    bot_scopes: tuple[str, ...] = BOT_SCOPES
    app_scopes: tuple[str, ...] = APP_SCOPES
    events: frozenset[str] = frozenset(EVENTS)
    shortcuts: tuple[Shortcut, ...] = ()
    edit_window: float | None = None

    def register(self, commands: Iterable[SlashCommand | str]) -> None:
        """Replaces the slash commands; a bare string is a command without description."""
        whole = [c if isinstance(c, SlashCommand) else SlashCommand(c) for c in commands]
        self.commands = {"/" + c.command.removeprefix("/"): c for c in whole}

    def __repr__(self) -> str:
        return f"AppConfig(commands={sorted(self.commands)})"


class Core:
    """One workspace with its app; holds no sockets."""

    def __init__(self, clock: SlackClock, config: AppConfig, limits: RateLimits) -> None:
        self.clock = clock
        self.config = config
        self.changes = Changes()
        self.workspace = Workspace(self.changes)
        self.timeline = Timeline(clock, self.changes)
        self.views = Views(clock, self.changes)
        self.files = Files(clock)
        self.triggers = Triggers(clock)
        self.response_urls = ResponseUrls(clock, self.workspace.team)
        self.limiter = RateLimiter(clock, limits)
        self.complaints: list[str] = []
        self._public_url = ""
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def public_url(self) -> str:
        """Where this server is reached, without a slash at the end. Learnt from requests when nobody set it."""
        if not self._public_url:
            raise RuntimeError("the Slack server does not know its own URL yet: set `public_url` after binding it")
        return self._public_url

    @public_url.setter
    def public_url(self, url: str) -> None:
        self._public_url = url.rstrip("/")

    def learn_url(self, url: str) -> None:
        self._public_url = self._public_url or url.rstrip("/")

    def complain(self, text: str) -> None:
        """Notes what Slack lets pass but a careful app would not do."""
        self.complaints.append(text)
        self.changes.tell("complaint", text=text)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` beside the request that asked for it, until `aclose`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
