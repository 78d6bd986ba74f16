"""The source repository of one app, on a GitHub that notifies the EventListener and the bot of each push."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations.sandbox.foreign import write
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.github.access import GitHubAccess
from integrations.sandbox.github.hub import Hub, Rules
from integrations.sandbox.github.webhooks import Webhooks
from integrations.sandbox.platform import DEPLOY

GITHUB = "https://github.com"
ORGANISATION = "example"
NOTES = "CHANGES.md"
MESSAGE = "Make it faster"
LONGEST = 2000
"""characters of a message"""


@dataclass(frozen=True)
class Hook:
    """A webhook of the organisation."""

    url: str
    secret: str


class SourceRepository:
    """`https://github.com/example/<app>`. `root` is where its bare repository is made."""

    def __init__(self, root: Path, app: str, token: str) -> None:
        self.app = app
        self.git = GitServer(root, token, name=app)
        self._hub = Hub(self.git, f"{ORGANISATION}/{app}", GitHubAccess({}, None), Rules(), base=GITHUB)
        self._webhooks: list[Webhooks] = []

    async def create(self, files: Mapping[str, bytes]) -> None:
        """With its first commit, of which nobody hears."""
        await self.git.create(files, "The app\n", Signature("Ana", "ana@example.com"))

    def tell(self, hooks: Iterable[Hook]) -> None:
        """Of every push from now on, each hook by itself."""
        for hook in hooks:
            self._webhooks.append(Webhooks(self._hub, hook.url, hook.secret))
            self.git.on_push(self._webhooks[-1].on_push)

    async def settled(self) -> None:
        """Wait until every webhook of what was pushed is sent."""
        for webhooks in self._webhooks:
            await webhooks.settled()

    async def push(self, author: str, message: str = "", files: Mapping[str, str] | None = None) -> str:
        """One commit by this person on the default branch; without files it adds a line to the notes. Its id.

        Raises ValueError for paths that git would not check out.
        """
        said = (message or MESSAGE)[:LONGEST]
        if not files:
            notes = (await self.git.read(NOTES) or b"").decode(errors="replace")
            files = {NOTES: f"{notes}- {said.partition(chr(10))[0]}\n"}
        return await write(self.git, files, said, author)

    async def snapshot(self, limit: int = 5) -> dict[str, Any]:
        """What the page shows: its name, and the newest commits."""
        log = await self.git.log(limit)
        return {"app": self.app, "url": self._hub.html, "commits": [{**one, "diff": ""} for one in log]}


def shipped(app: str, root: Path = DEPLOY) -> dict[str, bytes]:
    """The files of an app of `deploy/apps` that are its source: what lies beside its base and overlays."""
    return {path.name: path.read_bytes() for path in sorted((root / "apps" / app).glob("*")) if path.is_file()}
