"""The overlay contract on the fake and on the git client, over a path and over smart HTTP."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from bot.settings import GitSettings
from integrations.git import GitRemote
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.serving import serve
from tests.contract.overlays import FILES, OverlayContract, Overlays
from tests.fakes.bare import BareRepository
from tests.fakes.overlays import MemoryOverlays

COMMIT_URL = "https://git.example.com/commit/{sha}"


class MemoryWorld:
    def __init__(self) -> None:
        self.overlays: Overlays = MemoryOverlays(dict(FILES))

    async def push(self, files: Mapping[str, bytes]) -> str:
        assert isinstance(self.overlays, MemoryOverlays)
        return self.overlays.push(files).sha

    async def reset(self, sha: str) -> None:
        assert isinstance(self.overlays, MemoryOverlays)
        self.overlays.reset(sha)


class FileWorld:
    def __init__(self, bare: BareRepository, overlays: Overlays) -> None:
        self.bare = bare
        self.overlays = overlays

    async def push(self, files: Mapping[str, bytes]) -> str:
        return self.bare.commit(files)

    async def reset(self, sha: str) -> None:
        self.bare.reset(sha)


class HttpWorld:
    def __init__(self, server: GitServer, overlays: Overlays) -> None:
        self.server = server
        self.overlays = overlays

    async def push(self, files: Mapping[str, bytes]) -> str:
        return await self.server.commit(files, "Change by hand", "Someone Else", "someone@example.com")

    async def reset(self, sha: str) -> None:
        await self.server.repository.update_ref("refs/heads/main", sha, await self.server.head())


class TestMemory(OverlayContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestGitOverFiles(OverlayContract):
    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[FileWorld]:
        bare = BareRepository(tmp_path / "remote.git")
        bare.commit(FILES, "First commit")
        async with GitRemote(GitSettings(url=bare.url, commit_url=COMMIT_URL), tmp_path / "cache") as remote:
            yield FileWorld(bare, remote)


class TestGitOverHttp(OverlayContract):
    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[HttpWorld]:
        server = GitServer(tmp_path / "served", "canary-git-token")
        await server.create(FILES, "First commit", Signature("Someone Else", "someone@example.com"))
        async with serve(server.app) as url:
            settings = GitSettings(url=f"{url}/deploy.git", token="canary-git-token", commit_url=COMMIT_URL)
            async with GitRemote(settings, tmp_path / "cache") as remote:
                yield HttpWorld(server, remote)
