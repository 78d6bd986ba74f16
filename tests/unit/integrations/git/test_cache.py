"""The cache directory is nobody's treasure: it is lost, damaged and shared without harm."""

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from bot.domain.errors import HeadMoved, Unavailable
from bot.settings import GitSettings
from integrations.git import GitRemote, branch
from integrations.git.cache import CacheBroken, Patience
from integrations.git.lock import locked
from integrations.git.process import GitFailed, run_git
from tests.contract.overlays import BEFORE, FILES, OTHER, PATH, change
from tests.fakes.bare import BareRepository
from tests.unit.integrations.git.conftest import Connect


def names(cache: Path) -> set[str]:
    return {found.name for found in cache.iterdir()}


def gone(cache: Path) -> None:
    shutil.rmtree(cache)


def lost_repository(cache: Path) -> None:
    for repository in cache.glob("*.git"):
        shutil.rmtree(repository)


def no_objects(cache: Path) -> None:
    for repository in cache.glob("*.git"):
        shutil.rmtree(repository / "objects")
        (repository / "objects").mkdir()


def truncated_packs(cache: Path) -> None:
    for pack in cache.glob("*.git/objects/pack/*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:20])


def truncated_indexes(cache: Path) -> None:
    for index in cache.glob("*.git/objects/pack/*.idx"):
        index.chmod(0o644)
        index.write_bytes(b"")


def garbage_in_shallow(cache: Path) -> None:
    for repository in cache.glob("*.git"):
        (repository / "shallow").write_text("not a sha\n")


def no_head(cache: Path) -> None:
    for head in cache.glob("*.git/HEAD"):
        head.write_text("")


def left_locks(cache: Path) -> None:
    """What a git that was killed leaves behind."""
    for repository in cache.glob("*.git"):
        (repository / "shallow.lock").touch()
        (repository / "refs/remotes/origin/main.lock").touch()


DAMAGES = [
    gone, lost_repository, no_objects, truncated_packs, truncated_indexes, garbage_in_shallow, no_head, left_locks,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("moved", [False, True], ids=["still", "moved"])
async def test_a_damaged_cache_is_made_anew(
    bare: BareRepository, remote: GitRemote, cache_dir: Path, damage: Callable[[Path], None], moved: bool
) -> None:
    head = await remote.head()
    await remote.read([PATH], head)
    damage(cache_dir)
    if moved:
        head = bare.commit({OTHER: b"by hand\n"})
    assert await remote.head() == head
    assert (await remote.read([PATH], head))[PATH] == BEFORE
    assert set(await remote.paths(head)) == set(FILES)
    commit = await remote.commit(change(), head)
    assert bare.head() == commit.sha


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_cache_damaged_between_looking_and_committing_loses_nothing(
    bare: BareRepository, remote: GitRemote, cache_dir: Path, damage: Callable[[Path], None]
) -> None:
    head = await remote.head()
    damage(cache_dir)
    commit = await remote.commit(change(), head)
    assert bare.shas() == [commit.sha, head]


async def test_another_process_may_rebuild_the_cache_under_us(
    bare: BareRepository, remote: GitRemote, connect: Connect, cache_dir: Path
) -> None:
    other = connect(GitSettings(url=bare.url), cache_dir)
    head = await remote.head()
    await other._cache.rebuild(await other._cache.create())
    assert (await remote.read([PATH], head))[PATH] == BEFORE


async def test_a_new_cache_finds_a_commit_older_than_what_it_fetched(
    bare: BareRepository, remote: GitRemote, cache_dir: Path
) -> None:
    since = await remote.head()
    mine = await remote.commit(change(), since)
    bare.commit_often(OTHER, 150)
    shutil.rmtree(cache_dir)
    found = await remote.find("Promotion-Id", "p-1", since)
    assert found == (mine,)


async def test_a_commit_is_looked_for_everywhere_when_the_branch_has_left_its_beginning(
    bare: BareRepository, remote: GitRemote
) -> None:
    lost = await remote.head()
    bare.commit(FILES, "A new history", root=True)
    mine = await remote.commit(change(), await remote.head())
    assert await remote.find("Promotion-Id", "p-1", lost) == (mine,)
    assert await remote.find("Promotion-Id", "p-2", lost) == ()


async def test_the_edge_of_what_was_fetched_does_not_pass_for_a_change(bare: BareRepository, remote: GitRemote) -> None:
    """git shows a commit whose parents it does not have as if it had made every file."""
    touching = [bare.shas()[0]]
    for number in range(30):
        bare.commit({OTHER: b"%d" % number})
        if number % 10 == 0:
            touching.insert(0, bare.commit({PATH: b"%d" % number}))
    await remote.head()
    assert [commit.sha for commit in await remote.history(PATH, 2)] == touching[:2]
    assert [commit.sha for commit in await remote.history(PATH, 9)] == touching


async def test_an_unrelated_history_is_followed(bare: BareRepository, remote: GitRemote) -> None:
    old = await remote.head()
    new = bare.commit({PATH: b"new world\n"}, "A new history", root=True)
    assert await remote.head() == new
    assert list(await remote.paths(new)) == [PATH]
    assert (await remote.read([PATH], old))[PATH] == BEFORE


async def test_a_commit_that_no_branch_leads_to_can_be_read(
    bare: BareRepository, remote: GitRemote, cache_dir: Path
) -> None:
    old = bare.head()
    bare.commit({PATH: b"new world\n"}, "A new history", root=True)
    assert (await remote.read([PATH], old))[PATH] == BEFORE


RACER = """
import asyncio, json, sys
from pathlib import Path
import structlog
from bot.domain.errors import HeadMoved
from bot.domain.overlay import Author, Change
from bot.settings import GitSettings
from integrations.git import GitRemote

async def race(url, cache, name, count):
    async with GitRemote(GitSettings(url=url), Path(cache)) as remote:
        await promote(remote, name, count)

async def promote(remote, name, count):
    moved, landed = 0, []
    for number in range(count):
        while True:
            head = await remote.head()
            await remote.read([f"apps/{name}/{number}"], head)
            change = Change({f"apps/{name}/{number}": b"x"}, f"{name} {number}", Author(name, f"{name}@example.com"))
            try:
                landed.append((await remote.commit(change, head)).sha)
                break
            except HeadMoved:
                moved += 1
    print(json.dumps(landed))

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # that the cache is broken
asyncio.run(race(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
"""


async def test_processes_that_share_a_cache_and_race_lose_no_commit(bare: BareRepository, cache_dir: Path) -> None:
    count = 4
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", RACER, bare.url, str(cache_dir), name, str(count), stdout=asyncio.subprocess.PIPE
        )
        for name in ("one", "two", "three")
    ]
    await asyncio.sleep(0.5)
    shutil.rmtree(cache_dir, ignore_errors=True)
    outputs = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0]
    landed = [sha for stdout, _ in outputs for sha in json.loads(stdout)]
    assert len(landed) == 3 * count
    assert set(bare.shas()[:-1]) == set(landed)
    assert len(bare.git("ls-tree", "-r", "--name-only", "main").splitlines()) == len(FILES) + 3 * count


async def test_writers_of_one_process_race_as_well(bare: BareRepository, remote: GitRemote) -> None:
    head = await remote.head()
    outcomes = await asyncio.gather(
        *(remote.commit(change(b"%d" % number), head) for number in range(5)), return_exceptions=True
    )
    assert sum(isinstance(outcome, HeadMoved) for outcome in outcomes) == 4
    assert len(bare.shas()) == 2


async def test_a_lock_that_is_held_too_long_is_told(bare: BareRepository, connect: Connect, cache_dir: Path) -> None:
    remote = connect(GitSettings(url=bare.url), cache_dir, Patience(answer=0.1, fetch=0.1))
    async with locked(remote._cache.path.with_suffix(".lock"), 1):
        with pytest.raises(Unavailable, match="another process"):
            await remote.head()


async def test_a_deleted_lock_file_locks_nobody_out_and_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    async with locked(file, 1):
        with pytest.raises(TimeoutError):
            async with locked(file, 0.05):
                pass
        file.unlink()
        async with locked(file, 1):
            assert file.exists()
    async with locked(file, 1):
        pass


async def test_a_data_directory_that_cannot_be_written_is_told(
    bare: BareRepository, connect: Connect, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Unavailable, match="PILOTHOUSE_DATA_DIR"):
        await connect(GitSettings(url=bare.url), blocked / "cache").head()


async def test_a_new_cache_is_told_apart_from_the_one_that_was_thrown_away(remote: GitRemote) -> None:
    """Or else who waits to throw the broken one away throws the new one away, under whoever uses it."""
    await remote.head()
    seen = [await remote._cache.create()]
    for _ in range(3):
        await remote._cache.rebuild(seen[-1])
        seen.append(await remote._cache.create())
        assert seen[-1] != seen[-2]
    assert not list(remote._cache.path.parent.glob(f"{remote._cache.path.name}.*[0-9a-f]"))


async def test_a_broken_cache_is_thrown_away_on_a_full_disk_too(
    remote: GitRemote, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room that it takes may be just what the new one needs."""
    head = await remote.head()
    no_head(cache_dir)

    async def full(*arguments: str, **how: Any) -> bytes:
        if "init" in arguments:
            raise GitFailed("init", "fatal: No space left on device")
        return await run_git(*arguments, **how)

    with monkeypatch.context() as disk:
        disk.setattr("integrations.git.cache.run_git", full)
        with pytest.raises(Unavailable, match="No space left"):
            await remote._cache.rebuild(remote._cache._identity())
    assert not list(remote._cache.path.parent.glob(f"{remote._cache.path.name}*"))
    assert (await remote.read([PATH], head))[PATH] == BEFORE


async def test_what_a_killed_rebuild_left_goes_at_the_next_start(
    bare: BareRepository, connect: Connect, cache_dir: Path
) -> None:
    first = connect(GitSettings(url=bare.url), cache_dir)
    await first.head()
    before = names(cache_dir)
    for left in ("0" * 32, "f" * 32):
        shutil.copytree(first._cache.path, first._cache.path.with_name(f"{first._cache.path.name}.{left}"))
    shutil.copytree(first._cache.path, cache_dir / "of-somebody-else.git")
    assert await connect(GitSettings(url=bare.url), cache_dir).head() == bare.head()
    assert names(cache_dir) == before | {"of-somebody-else.git"}


async def test_our_commit_outlives_a_repack_before_the_branch_leads_to_it(
    bare: BareRepository, remote: GitRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may repack the shared cache at any moment."""
    head = await remote.head()
    first, push = await remote._cache.create(), remote._push

    async def push_late(sha: str, expected_head: str) -> None:
        await remote._cache._tidy()
        await push(sha, expected_head)
        await remote._cache._tidy()

    monkeypatch.setattr(remote, "_push", push_late)
    commit = await remote.commit(change(b"late\n"), head)
    assert await remote.read([PATH], commit.sha) == {PATH: b"late\n"}
    assert bare.head() == commit.sha
    assert await remote._cache.create() == first


async def test_a_repack_between_a_pack_and_its_index_drops_nothing(
    bare: BareRepository, remote: GitRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    await remote.head()
    cache, local = remote._cache, remote._cache.local
    packs = cache.path / "objects" / "pack"
    file = b"a file\n" * (1 << 18)  # so large that it is left to git
    blob = bare.git("hash-object", "-w", "--stdin", stdin=file)
    (tmp := bare.path / "packed").mkdir()
    name = bare.git("pack-objects", "--quiet", str(tmp / "pack"), stdin=f"{blob}\n".encode())

    async def index_late(*arguments: str, stdin: bytes = b"") -> bytes:
        told = await local(*arguments, stdin=stdin)
        index = (packs / f"pack-{name}.idx").rename(packs / "late")
        await cache._tidy()
        index.rename(packs / f"pack-{name}.idx")
        return told

    with monkeypatch.context() as slow:
        slow.setattr(cache, "local", index_late)
        await cache.add((tmp / f"pack-{name}.pack").read_bytes())
    assert not list(packs.glob("*.keep"))
    await cache._tidy()
    assert await cache.local("cat-file", "blob", blob) == file


async def test_a_commit_that_did_not_come_from_the_remote_does_not_stop_a_repack(remote: GitRemote) -> None:
    """As caches of earlier versions have them. With its parents in another pack, git cannot make a bitmap."""
    head, cache = await remote.head(), remote._cache
    me = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    sha = (await cache.local(*me, "commit-tree", f"{head}^{{tree}}", "-p", head, "-m", "ours")).decode().strip()
    await cache.local("update-ref", cache.tracking, sha)
    await cache._tidy()
    assert (await cache.local("cat-file", "-t", sha)).strip() == b"commit"


async def test_what_is_no_pack_is_not_added(remote: GitRemote) -> None:
    await remote.head()
    with pytest.raises(CacheBroken):
        await remote._cache.add(b"no pack")


async def test_the_log_says_why_a_cache_is_thrown_away(
    remote: GitRemote, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = await remote.head()
    no_head(cache_dir)
    monkeypatch.setattr(branch, "log", structlog.get_logger())  # the other keeps the configuration of its first use
    with capture_logs() as logs:
        await remote.paths(head)
    assert [line["event"] for line in logs] == ["git.cache_broken"]
    assert "not a git repository" in logs[0]["detail"]
