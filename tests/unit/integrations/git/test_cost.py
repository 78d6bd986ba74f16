"""What a promotion costs: few processes, and only the objects that are needed."""

import asyncio
from collections.abc import Callable

import pytest

from integrations.git import GitRemote, cache
from tests.contract.overlays import PATH, change
from tests.fakes.bare import BareRepository

Spy = Callable[[], list[str]]


async def test_a_promotion_on_a_warm_cache_takes_two_processes(remote: GitRemote, spied: Spy) -> None:
    head = await remote.head()
    await remote.read([PATH], head)
    spied()
    head = await remote.head()
    await remote.read([PATH], head)
    await remote.commit(change(), head)
    assert [line.split()[0] for line in spied()] == ["ls-remote", "push"]


async def test_after_our_own_commit_nothing_is_fetched(remote: GitRemote, spied: Spy) -> None:
    commit = await remote.commit(change(), await remote.head())
    spied()
    assert await remote.head() == commit.sha
    assert [line.split()[0] for line in spied()] == ["ls-remote"]


async def test_many_files_are_fetched_in_one_round_trip(bare: BareRepository, remote: GitRemote, spied: Spy) -> None:
    files = {f"apps/app-{n}/kustomization.yaml": b"# %d\n" % n for n in range(300)}
    bare.commit(files)
    head = await remote.head()
    spied()
    assert await remote.read(files, head) == files
    commands = spied()
    assert len(commands) == 4  # a cat-file and a listing to find out, a fetch, a cat-file
    assert sum("fetch" in line for line in commands) == 1
    assert await remote.read(files, head) == files
    assert not any("fetch" in line for line in spied())


async def test_a_first_fetch_brings_the_newest_commits_and_no_files(
    bare: BareRepository, remote: GitRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_FIRST_COMMITS", 5)
    bare.commit_often(PATH, 20)
    await remote.head()
    kinds: dict[str, list[str]] = {}
    for line in (await remote._cache.local("cat-file", "--batch-all-objects", "--batch-check")).decode().splitlines():
        kinds.setdefault(line.split()[1], []).append(line)
    assert len(kinds["commit"]) == 5
    assert "blob" not in kinds


async def test_many_versions_of_a_file_are_one_fetch(bare: BareRepository, remote: GitRemote, spied: Spy) -> None:
    bare.commit_often(PATH, 20)
    commits = await remote.history(PATH, 30)
    spied()
    found = await remote.versions(PATH, [commit.sha for commit in commits])
    assert len(set(found.values())) == len(commits) == 21
    assert sum("fetch" in line for line in spied()) == 1
    assert await remote.versions(PATH, found) == found
    assert spied() == []


async def test_two_who_need_more_history_fetch_it_once(
    bare: BareRepository, remote: GitRemote, spied: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_FIRST_COMMITS", 5)
    bare.commit_often(PATH, 20)
    head = await remote.head()
    spied()
    one, other = await asyncio.gather(remote.history(PATH, 12, head), remote.history(PATH, 15, head))
    assert (len(one), len(other)) == (12, 15)
    assert sum("fetch" in line for line in spied()) == 1


async def test_the_many_packs_of_many_fetches_become_one(
    bare: BareRepository, remote: GitRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_MANY_PACKS", 4)
    first = await remote._cache.create()
    most = 0
    for number in range(8):
        bare.commit({PATH: b"%d" % number})
        assert await remote.read([PATH], await remote.head()) == {PATH: b"%d" % number}
        most = max(most, len(list(remote._cache.path.glob("objects/pack/*.pack"))))
    assert most <= 6
    assert await remote._cache.create() == first
    assert (await remote.history(PATH, 20))[0].sha == bare.head()


async def test_the_packs_of_our_own_commits_are_tidied_too(
    bare: BareRepository, remote: GitRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_MANY_PACKS", 6)
    first = await remote._cache.create()
    for number in range(12):
        head = await remote.head()
        assert await remote.read([PATH], head)
        await remote.commit(change(b"%d" % number), head)
    assert len(list(remote._cache.path.glob("objects/pack/*.pack"))) <= 8
    assert await remote._cache.create() == first, "tidied, and not thrown away"
    assert len(bare.shas()) == 13
    assert len(await remote.history(PATH, 50)) == 13


async def test_what_a_commit_has_behind_it_is_read_once(bare: BareRepository, remote: GitRemote, spied: Spy) -> None:
    head = await remote.head()
    first = await remote.history(PATH, 20, head)
    spied()
    assert await asyncio.gather(*(remote.history(PATH, 20, head) for _ in range(5))) == [first] * 5
    assert spied() == []
    assert await remote.history("apps/no-such", 20, head) == ()
    spied()
    assert await remote.history("apps/no-such", 20, head) == ()
    assert spied() == []
    newer = bare.commit({PATH: b"newer"})
    assert [commit.sha for commit in await remote.history(PATH, 20)] == [newer, *(commit.sha for commit in first)]


async def test_many_who_read_one_history_at_once_read_it_once(remote: GitRemote, spied: Spy) -> None:
    head = await remote.head()
    spied()
    found = await asyncio.gather(*(remote.history("", 200, head) for _ in range(10)))
    assert len(set(found)) == 1
    assert sum(line.startswith("log") for line in spied()) == 1
