"""The git host, met by a real git client over a real socket."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.git import GitServer, HeadMoved, Push
from integrations.sandbox.git.commits import Draft
from integrations.sandbox.serving import serve
from tests.unit.integrations.sandbox.git.conftest import ANA, FILES


def remote(base: str, token: str = "t0ken") -> str:
    return f"http://x-access-token:{token}@{urlsplit(base).netloc}/deploy.git"


async def client(directory: Path, *arguments: str) -> tuple[int, str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "bo@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    process = await asyncio.create_subprocess_exec(
        "git", *arguments, cwd=directory, env=environment, stdout=-1, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def clone(base: str, into: Path, *options: str) -> Path:
    status, output = await client(into, "clone", "--quiet", *options, remote(base), "work")
    assert status == 0, output
    return into / "work"


async def push_a_change(work: Path) -> tuple[int, str]:
    (work / "README.md").write_text("# changed\n")
    assert (await client(work, "commit", "--quiet", "-am", "Change"))[0] == 0
    return await client(work, "push", "--quiet", "origin", "HEAD:main")


async def test_clone_holds_the_files_byte_for_byte(url: str, tmp_path: Path) -> None:
    work = await clone(url, tmp_path)
    assert {name: (work / name).read_bytes() for name in FILES} == FILES


async def test_shallow_blobless_clone_fetches_no_blob_until_asked(url: str, tmp_path: Path) -> None:
    work = await clone(url, tmp_path, "--bare", "--depth=1", "--filter=blob:none")
    _, present = await client(work, "cat-file", "--batch-all-objects", "--batch-check")
    assert "blob" not in present
    assert await client(work, "cat-file", "blob", "HEAD:README.md") == (0, "# hello\n")


async def test_a_push_moves_the_branch_and_is_told_before_the_client_is_done(
    server: GitServer, url: str, tmp_path: Path
) -> None:
    pushes: list[Push] = []
    server.on_push(pushes.append)
    before = await server.head()
    work = await clone(url, tmp_path)
    assert (await push_a_change(work))[0] == 0
    assert await server.read("README.md") == b"# changed\n"
    assert pushes == [Push("refs/heads/main", before, await server.head())]


async def test_a_push_on_an_old_head_is_refused(server: GitServer, url: str, tmp_path: Path) -> None:
    work = await clone(url, tmp_path)
    foreign = await server.commit({"other.txt": b"1"}, "Foreign", "Bo", "bo@example.com")
    status, output = await push_a_change(work)
    assert status != 0
    assert "fetch first" in output or "rejected" in output
    assert await server.head() == foreign


async def test_a_wrong_token_can_neither_fetch_nor_push(url: str, tmp_path: Path) -> None:
    status, output = await client(tmp_path, "ls-remote", remote(url, "wrong"))
    assert status != 0
    assert "Authentication failed" in output


async def test_bearer_is_as_good_as_basic_and_nothing_is_401(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        path = "/deploy.git/info/refs?service=git-upload-pack"
        refused = await http.get(path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
        assert (await http.get(path, headers={"Authorization": "Bearer t0ken"})).status_code == 200
        assert (await http.get("/absent.git/info/refs?service=git-upload-pack", auth=("x", "t0ken"))).status_code == 404


async def test_no_file_of_the_repository_is_served_as_a_file(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, auth=("x", "t0ken")) as http:
        assert (await http.get("/deploy.git/config")).status_code in {403, 404}


async def test_parallel_commits_all_land(server: GitServer) -> None:
    made = await asyncio.gather(*(server.commit({f"{n}.txt": b"x"}, f"n{n}", "Bo", "bo@x") for n in range(5)))
    log = await server.log(limit=10)
    assert {entry["sha"] for entry in log[:5]} == set(made)
    assert [entry["message"] for entry in log[5:]] == ["First"]


async def test_commit_writes_and_deletes(server: GitServer) -> None:
    sha = await server.commit({"README.md": None, "new/é.txt": b"1\n"}, "Subject\n\nBody", "Cy", "cy@example.com")
    assert await server.read("README.md") is None
    [entry] = await server.log(limit=1)
    assert entry["sha"] == sha
    assert (entry["author"], entry["email"]) == ("Cy", "cy@example.com")
    assert entry["message"] == "Subject\n\nBody"
    assert entry["files"] == ["README.md", "new/é.txt"]
    assert entry["diff"].startswith("diff --git a/README.md b/README.md")
    assert "+1" in entry["diff"]


async def test_compare_and_swap_refuses_a_moved_head_and_leaves_nothing_behind(server: GitServer) -> None:
    stale = await server.head()
    present = await server.commit({"a": b"1"}, "Moved", "Bo", "bo@example.com")
    draft = Draft({"b": b"1"}, "Late", ANA, ANA, (stale,))
    with pytest.raises(HeadMoved) as refusal:
        await server.repository.write("refs/heads/main", draft, stale)
    assert refusal.value.present == present
    assert list(server.repository.refs("refs/")) == ["refs/heads/main"]


async def test_many_blobs_by_one_process(server: GitServer) -> None:
    tree = await server.tree()
    contents = await server.repository.blobs(tree.values())
    assert {path: contents[sha] for path, sha in tree.items()} == FILES
    with pytest.raises(KeyError):
        await server.repository.blobs(["f" * 40])


async def test_a_repository_is_made_once_and_opened_again_without_news(server: GitServer) -> None:
    with pytest.raises(FileExistsError):
        await server.create(FILES, "Again", ANA)
    again, pushes = GitServer(server.repository.path.parent, token="t0ken"), list[Push]()
    again.on_push(pushes.append)
    assert again.exists
    await again.open()
    await again.notice()
    assert pushes == []


async def test_weather_reaches_the_git_host(tmp_path: Path) -> None:
    settings = FaultSettings()
    git = GitServer(tmp_path, token="t", faults=settings)
    await git.create(FILES, "First", ANA)
    async with serve(git.app) as base:
        settings.set({"weather": {"git": "error-500"}})
        assert (await client(tmp_path, "ls-remote", remote(base, "t")))[0] != 0
        settings.set({"weather": {"git": "fine"}})
        assert (await client(tmp_path, "ls-remote", remote(base, "t")))[0] == 0
