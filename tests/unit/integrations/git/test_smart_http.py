"""Asking and pushing over HTTP without git's own programs; and going back to them for whatever is not plain success."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from errno import ENOSPC
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.domain.errors import HeadMoved, Refused, Unavailable
from bot.settings import GitSettings
from integrations.git import GitRemote, cache
from integrations.git.branch import smart_http
from integrations.git.environment import GitEnvironment
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.serving import serve
from tests.contract.overlays import BEFORE, FILES, OTHER, PATH, change
from tests.unit.integrations.git.conftest import Connect

TOKEN = "canary-of-git"
Spy = Callable[[], list[str]]


class Between:
    """Stands before the server: writes requests down, and spoils what a test tells it to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests: list[str] = []
        self.forgets_version_2 = False
        self.loses_answers_to_pushes = False
        self.answers_pushes_with: bytes | None = None
        self.rewrites: tuple[bytes, bytes] = (b"", b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.requests.append(f"{scope['method']} {scope['path'].partition('.git/')[2]}")
        pushes = self.requests[-1] == "POST git-receive-pack"
        if self.forgets_version_2:
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"git-protocol"]}

        said: list[bytes] = []

        async def answer(message: Message) -> None:
            if pushes and self.loses_answers_to_pushes:
                return
            if self.rewrites[0] and message["type"] == "http.response.body":
                said.append(message.get("body", b""))
                if message.get("more_body"):
                    return  # git may write in the middle of what is to be spoiled
                message = {**message, "body": b"".join(said).replace(*self.rewrites)}
            await send(message)

        if pushes and self.answers_pushes_with is not None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self.answers_pushes_with})
            return
        await self.app(scope, receive, answer)
        if pushes and self.loses_answers_to_pushes:
            raise ConnectionError("the answer is lost")


class Host:
    def __init__(self, server: GitServer, between: Between, url: str) -> None:
        self.server = server
        self.between = between
        self.settings = GitSettings(url=f"{url}/deploy.git", token=TOKEN)

    def requests(self) -> list[str]:
        seen, self.between.requests = self.between.requests, []
        return seen

    def hook(self, script: str) -> None:
        file = self.server.repository.path / "hooks" / "pre-receive"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    async def push(self, content: bytes = b"by hand\n") -> str:
        return await self.server.commit({OTHER: content}, "By hand", "Someone Else", "someone@example.com")

    async def shas(self) -> list[str]:
        return [entry["sha"] for entry in await self.server.log()]


@asynccontextmanager
async def hosted(directory: Path) -> AsyncIterator[Host]:
    server = GitServer(directory / "served", TOKEN)
    await server.create(FILES, "First commit", Signature("Someone Else", "someone@example.com"))
    between = Between(server.app)
    async with serve(between) as url:
        yield Host(server, between, url)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    async with hosted(tmp_path) as host:
        yield host


@pytest.fixture
def remote(host: Host, connect: Connect, tmp_path: Path) -> GitRemote:
    return connect(host.settings, tmp_path / "cache")


async def test_a_promotion_is_two_requests_and_no_process(host: Host, remote: GitRemote, spied: Spy) -> None:
    head = await remote.head()
    await remote.read([OTHER], head)
    await remote.commit(change(), head)
    host.requests()
    spied()
    head = await remote.head()
    assert await remote.read([OTHER], head)
    made = await remote.commit(change(b"2\n"), head)
    assert host.requests() == ["POST git-upload-pack", "POST git-receive-pack"]
    # The server in this process runs git as well.
    ours = [line.split()[0] for line in spied() if not line.startswith(("http-backend", "for-each-ref"))]
    assert ours == []
    assert await host.server.head() == made.sha


async def test_files_are_fetched_by_one_request(host: Host, remote: GitRemote) -> None:
    head = await remote.head()
    host.requests()
    assert await remote.read(FILES, head) == FILES
    assert host.requests() == ["POST git-upload-pack"]
    assert await remote.read(FILES, head) == FILES
    assert host.requests() == []


@pytest.mark.parametrize(
    "spoiled",
    [
        (b"packfile", b"wackfile"),
        (b"PACK", b"PAKC"),
        (b"\x01PACK", b"\x03PACK"),
        (b"PACK\0\0\0\2\0\0\0", b"PACK\0\0\0\2\0\0\1"),
    ],
    ids=["no answer to it", "no pack", "an error", "fewer objects than it says"],
)
async def test_files_that_do_not_come_that_way_are_fetched_by_git(
    host: Host, remote: GitRemote, monkeypatch: pytest.MonkeyPatch, spoiled: tuple[bytes, bytes]
) -> None:
    head = await remote.head()
    by_git = remote._cache.fetch_blobs

    async def unspoiled(shas: Iterable[str]) -> None:
        host.between.rewrites = (b"", b"")
        await by_git(shas)

    monkeypatch.setattr(remote._cache, "fetch_blobs", unspoiled)
    host.between.rewrites = spoiled
    assert await remote.read(FILES, head) == FILES
    assert host.between.rewrites == (b"", b""), "git was never asked"


async def test_a_push_that_comes_too_late_is_told_and_moves_nothing(host: Host, remote: GitRemote) -> None:
    head = await remote.head()
    pushed = await host.push()
    with pytest.raises(HeadMoved, match="is not where it was read"):
        await remote.commit(change(), head)
    assert await host.shas() == [pushed, head]
    made = await remote.commit(change(), await remote.head())
    assert await host.shas() == [made.sha, pushed, head]


async def test_of_many_at_once_one_wins_and_the_others_hear_of_it(
    host: Host, connect: Connect, remote: GitRemote, tmp_path: Path
) -> None:
    other = connect(host.settings, tmp_path / "cache")
    head = await remote.head()
    outcomes = await asyncio.gather(
        *((remote, other)[n % 2].commit(change(b"%d" % n), head) for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(outcome, HeadMoved) for outcome in outcomes) == 5
    assert len(await host.shas()) == 2


async def test_a_push_whose_answer_is_lost_is_found_again(host: Host, remote: GitRemote) -> None:
    head = await remote.head()
    host.between.loses_answers_to_pushes = True
    with pytest.raises(Unavailable):
        await remote.commit(change(), head)
    host.between.loses_answers_to_pushes = False
    [found] = await remote.find("Promotion-Id", "p-1", head)
    assert await host.shas() == [found.sha, head]


@pytest.mark.parametrize("answer", [b"", b"<html>proxy</html>", b"0005\x01", b"000eunpack ok\n0000", b"ffff\x01000e"])
async def test_an_answer_to_a_push_that_is_not_gits_leaves_open_whether_it_arrived(
    host: Host, remote: GitRemote, answer: bytes
) -> None:
    head = await remote.head()
    host.between.answers_pushes_with = answer
    with pytest.raises(Unavailable, match="not git's"):
        await remote.commit(change(), head)
    host.between.answers_pushes_with = None
    made = await remote.commit(change(), head)
    assert await host.shas() == [made.sha, head]


async def test_a_refusal_by_a_hook_is_told_in_its_words_and_without_its_colours(host: Host, remote: GitRemote) -> None:
    host.hook("printf '\\033[31mProtected\\033[0m branch\\007:\\nopen a pull request\\n' >&2; exit 1")
    head = await remote.head()
    with pytest.raises(Refused) as caught:
        await remote.commit(change(), head)
    assert type(caught.value) is Refused
    assert "pre-receive hook declined" in caught.value.detail
    assert caught.value.detail.endswith("Protected branch: open a pull request")
    assert await host.shas() == [head]


async def test_a_remote_of_the_older_protocol_is_asked_by_git(host: Host, remote: GitRemote, spied: Spy) -> None:
    host.between.forgets_version_2 = True
    made = await remote.commit(change(), await remote.head())
    assert await remote.head() == made.sha
    assert sum(line.startswith("ls-remote") for line in spied()) == 2


@pytest.mark.parametrize("offer", [b"report-status", b"side-band-64k"])
async def test_a_remote_that_offers_too_little_is_pushed_to_by_git(
    host: Host, remote: GitRemote, spied: Spy, offer: bytes
) -> None:
    head = await remote.head()
    host.between.rewrites = (offer, b"x" * len(offer))
    spied()
    with_git = await remote.commit(change(), head)
    assert any(line.startswith("push") for line in spied())
    assert await host.shas() == [with_git.sha, head]


async def test_a_parent_that_the_remote_has_thrown_away_is_a_moved_head(host: Host, remote: GitRemote) -> None:
    first = await remote.head()
    lost = await remote.commit(change(), first)
    repository = host.server.repository
    await repository.update_ref("refs/heads/main", first, lost.sha)
    await repository.text("reflog", "expire", "--expire=now", "--all")
    await repository.text("gc", "--quiet", "--prune=now")
    with pytest.raises(HeadMoved):
        await remote.commit(change(b"again\n"), lost.sha)
    assert await host.shas() == [first]


async def test_a_cache_that_cannot_take_the_commit_in_does_not_undo_it(
    host: Host, remote: GitRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, say. The commit is on the branch; so it must not be told as failed."""
    head = await remote.head()

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "keep", full)
    made = await remote.commit(change(), head)
    assert await host.shas() == [made.sha, head]
    monkeypatch.undo()
    assert await remote.head() == made.sha
    assert (await remote.read([PATH], made.sha))[PATH] != BEFORE


async def test_a_branch_whose_name_begins_like_ours_is_not_ours(host: Host, remote: GitRemote) -> None:
    head = await remote.head()
    other = await host.push()
    await host.server.repository.update_ref("refs/heads/main-2", other, "0" * 40)
    await host.server.repository.update_ref("refs/heads/main", head, other)
    assert await remote.head() == head


def test_only_http_is_spoken_here() -> None:
    for url in ("ssh://git@git.example.com/a.git", "git@git.example.com:a.git", "file:///a.git", "http://", ""):
        environment = GitEnvironment(GitSettings(url=url), Path("unused"))
        assert smart_http(GitSettings(url=url), environment, 1) is None
