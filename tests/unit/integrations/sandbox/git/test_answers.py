"""Which answers of git are kept, and which are asked for anew."""

from pathlib import Path

import pytest

from integrations.sandbox.git import GitServer
from integrations.sandbox.git.answers import ANY, LARGEST, MOST, Answers, about_refs, lasts, state
from integrations.sandbox.git.repository import BareRepository, Draft
from tests.unit.integrations.sandbox.git.conftest import ANA
from tests.unit.integrations.sandbox.git.test_git_server import client, clone, push_a_change, remote

ONE, OTHER = "1" * 40, "2" * 40


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "--raw", "-z", ONE, OTHER),
        ("rev-list", "--count", f"{ONE}..{OTHER}"),
        ("merge-base", ONE, OTHER),
        ("cat-file", "blob", f"{ONE}:apps/a file"),
        ("ls-tree", "-r", "-z", "--end-of-options", ONE),
        ("log", "--max-count=1", ONE, "--", "main"),
        ("rev-parse", "--verify", "--quiet", f"{ONE}^{{commit}}"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_is_named_by_ids_lasts(arguments: tuple[str, ...]) -> None:
    assert lasts(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("rev-parse", "--verify", "--quiet", "refs/heads/main^{commit}"),
        ("rev-parse", "--verify", "--quiet", f"{ONE[:12]}^{{commit}}"),
        ("rev-list", "--count", f"{ONE}..main"),
        ("log", "--max-count=1", "--all", ONE),
        ("log", "--max-count=1"),
        ("cat-file", "blob", "main:apps"),
        ("for-each-ref", ONE),
        ("update-ref", "refs/heads/main", ONE, OTHER),
        ("merge-base", ONE, "HEAD"),
    ],
    ids=" ".join,
)
def test_what_a_name_decides_does_not(arguments: tuple[str, ...]) -> None:
    assert not lasts(arguments)


async def test_it_is_asked_once_and_what_failed_or_is_large_again() -> None:
    answers, asked = Answers[bytes](len), []

    async def ask() -> bytes:
        asked.append(1)
        if len(asked) == 1:
            raise KeyError
        return b"x" * size

    size = LARGEST + 1
    with pytest.raises(KeyError):
        await answers.of("one", ANY, ask)
    for _ in range(2):
        await answers.of("one", ANY, ask)
    size = 1
    for _ in range(3):
        assert await answers.of("one", ANY, ask) == b"x"
    assert len(asked) == 4
    for number in range(MOST):
        await answers.of(number, ANY, ask)
    await answers.of("one", ANY, ask)
    assert len(asked) == 5 + MOST


async def test_in_another_state_it_is_asked_again() -> None:
    answers, asked = Answers[bytes](len), []

    async def ask() -> bytes:
        asked.append(1)
        return b"%d" % len(asked)

    one, other = (("main", 1, 0, 41),), (("main", 2, 0, 41),)
    assert [await answers.of("where", now, ask) for now in (one, one, other, other)] == [b"1", b"1", b"2", b"2"]


async def test_a_branch_that_moves_is_seen_at_once(tmp_path: Path) -> None:
    repository = BareRepository(tmp_path / "served")
    await repository.initialise()
    for text in (b"one", b"two"):
        sha = await repository.commit_on("main", Draft({"file": text}, "A commit", ANA, ANA))
        assert await repository.resolve("main") == await repository.resolve(sha) == sha
        assert await repository.read("file", "main") == await repository.read("file", sha) == text


async def heads(base: str, home: Path) -> dict[str, str]:
    status, output = await client(home, "ls-remote", "--heads", remote(base))
    assert status == 0, output
    return {name: sha for sha, name in (line.split("\t") for line in output.splitlines())}


async def test_every_way_in_which_a_ref_moves_is_seen_at_once(server: GitServer, url: str, tmp_path: Path) -> None:
    path = server.repository.path
    work = await clone(url, tmp_path)
    for _ in range(2):
        assert await heads(url, tmp_path) == {"refs/heads/main": await server.head()}
    await server.commit({"file": b"2"}, "By the server", "Ana", "ana@example.com")
    assert await heads(url, tmp_path) == {"refs/heads/main": await server.head()}
    await client(work, "pull", "--quiet")
    assert (await push_a_change(work))[0] == 0
    assert await heads(url, tmp_path) == {"refs/heads/main": await server.head()}
    await client(path, "--git-dir", str(path), "pack-refs", "--all")
    await client(path, "--git-dir", str(path), "branch", "other", "main~1")
    assert set(await heads(url, tmp_path)) == {"refs/heads/main", "refs/heads/other"}
    await client(path, "--git-dir", str(path), "branch", "-D", "other")
    assert set(await heads(url, tmp_path)) == {"refs/heads/main"}


async def test_it_is_git_that_answers_and_only_once(
    server: GitServer, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await heads(url, tmp_path)
    monkeypatch.setattr("integrations.sandbox.git.smart_http.SmartHTTP._begin", None)
    assert await heads(url, tmp_path) == before


@pytest.mark.parametrize(
    ("method", "path", "body", "is_one"),
    [
        ("GET", "/deploy.git/info/refs", b"", True),
        ("POST", "/deploy.git/git-upload-pack", b"0014command=ls-refs\n0001", True),
        ("POST", "/deploy.git/git-upload-pack", b"0013command=ls-refs0001", True),
        ("POST", "/deploy.git/git-upload-pack", b"0012command=fetch\n0001", False),
        ("POST", "/deploy.git/git-receive-pack", b"0014command=ls-refs\n", False),
        ("GET", "/deploy.git/HEAD", b"", False),
    ],
)
def test_what_is_about_refs_alone(method: str, path: str, body: bytes, is_one: bool) -> None:
    assert about_refs(method, path, body) is is_one


def test_a_file_that_goes_while_they_are_read_is_left_out(server: GitServer) -> None:
    (server.repository.path / "refs" / "heads" / "gone").symlink_to("nowhere")
    assert not any(file.endswith("gone") for file, *_ in state(server.repository.path))
