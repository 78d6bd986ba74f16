"""The overlay and pull request contracts on the GitHub client, as an App and with a token."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.settings import GitHubSettings
from integrations.github import GitHub
from integrations.http import HttpPolicy
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.github import App, GitHubServer, GitHubServerSettings, Principal
from integrations.sandbox.serving import serve
from tests.contract.overlays import FILES, OverlayContract, Overlays
from tests.contract.pulls import PullContract, PullRunner
from tests.fakes.overlays import MemoryOverlays

REPOSITORY = "pilothouse/deploy"
TOKEN = "canary-github-token"
QUICK = HttpPolicy(attempts=2, backoff=0.01)
KEY = rsa.generate_private_key(65537, 2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
APP = App(id=7, client_id="Iv1.pilothouse", slug="pilothouse", installation_id=11, public_key=PUBLIC)


class GitHubWorld:
    """`overlays` reads without delay and writes without pause, so that tests need not wait."""

    def __init__(self, git: GitServer, hub: GitHubServer, client: GitHub, url: str) -> None:
        self.git = git
        self.hub = hub
        self.client = client
        self.url = url
        self.overlays: Overlays = client
        self.pulls: PullRunner = client

    async def push(self, files: Mapping[str, bytes]) -> str:
        return await self.git.commit(files, "Change by hand", "Someone Else", "someone@example.com")

    async def reset(self, sha: str) -> None:
        await self.git.repository.update_ref("refs/heads/main", sha, await self.git.head())

    async def push_to(self, branch: str, files: Mapping[str, bytes]) -> str:
        from integrations.sandbox.git.repository import Draft

        author = Signature("Someone Else", "someone@example.com")
        return await self.git.repository.commit_on(branch, Draft(files, "By hand", author, author))

    async def report(self, number: int, state: str) -> None:
        sha = self.hub.pulls.all[number].head_sha
        self.hub.set_check(sha, "ci", {"success": "success", "failure": "failure"}.get(state))

    async def content(self, path: str) -> bytes | None:
        return await self.git.read(path)


@asynccontextmanager
async def github(
    directory: Path,
    settings: GitHubServerSettings | None = None,
    faults: FaultSettings | None = None,
    *,
    app: bool = True,
) -> AsyncIterator[GitHubWorld]:
    git = GitServer(directory / "served", "unused")
    await git.create(FILES, "First commit", Signature("Someone Else", "someone@example.com"))
    chosen = settings or GitHubServerSettings(tokens={TOKEN: Principal("pilothouse-user", 99)}, app=APP)
    hub = GitHubServer(git, REPOSITORY, chosen, faults)
    async with serve(hub.app) as url:
        who = (
            GitHubSettings(api_url=url, repository=REPOSITORY, app_id="7", installation_id="11", private_key=PRIVATE)
            if app
            else GitHubSettings(api_url=url, repository=REPOSITORY, token=TOKEN)
        )
        async with GitHub(who, policy=QUICK, between_writes=0, stale_seconds=0) as client:
            yield GitHubWorld(git, hub, client, url)


@pytest.fixture
async def hub_world(tmp_path: Path) -> AsyncIterator[GitHubWorld]:
    async with github(tmp_path) as world:
        yield world


class TestGitHub(OverlayContract):
    @pytest.fixture
    def world(self, hub_world: GitHubWorld) -> GitHubWorld:
        return hub_world


class MemoryPulls:
    def __init__(self) -> None:
        self.memory = MemoryOverlays(dict(FILES))
        self.overlays: Overlays = self.memory
        self.pulls: PullRunner = self.memory

    async def push(self, files: Mapping[str, bytes]) -> str:
        return self.memory.push(files).sha

    async def report(self, number: int, state: str) -> None:
        self.memory.set_checks(number, state)

    async def content(self, path: str) -> bytes | None:
        head = await self.memory.head()
        return (await self.memory.read([path], head)).get(path)


class TestMemoryPulls(PullContract):
    @pytest.fixture
    def world(self) -> MemoryPulls:
        return MemoryPulls()


class TestGitHubPulls(PullContract):
    @pytest.fixture
    def world(self, hub_world: GitHubWorld) -> GitHubWorld:
        return hub_world
