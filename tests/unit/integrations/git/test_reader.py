"""The git that lives on: it sees what comes and what goes, is never out of step, and leaves nothing behind."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bot.domain.errors import Unavailable
from bot.settings import GitSettings
from integrations.git import GitRemote, reader
from integrations.git.cache import CacheBroken, Patience
from tests.contract.overlays import BEFORE, FILES, OTHER, PATH, change
from tests.fakes.bare import BareRepository
from tests.unit.integrations.git.conftest import Connect
from tests.waiting import until

Spy = Callable[[], list[str]]
LARGE = b"0123456789abcdef" * (1 << 18)
"""4 MiB, more than a pipe and a buffer hold"""


def pid(remote: GitRemote) -> int:
    running = remote._cache._reader._running
    assert running
    return running.process.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_over(pid: int) -> bool:
    return not is_alive(pid)


async def looked_at(remote: GitRemote) -> tuple[str, int]:
    """The head, whose file was read; and the process that read it."""
    head = await remote.head()
    assert (await remote.read([PATH], head))[PATH] == BEFORE
    return head, pid(remote)


async def test_one_process_reads_all(bare: BareRepository, remote: GitRemote, spied: Spy) -> None:
    head, first = await looked_at(remote)
    spied()
    many = await asyncio.gather(*(remote.read([path], head) for path in FILES for _ in range(5)))
    assert {path: body for found in many for path, body in found.items()} == FILES
    assert pid(remote) == first
    assert not [line for line in spied() if "cat-file" in line]


async def test_it_sees_what_was_added_since_it_began(bare: BareRepository, remote: GitRemote) -> None:
    head, first = await looked_at(remote)
    ours = await remote.commit(change(b"ours\n"), head)
    theirs = bare.commit({OTHER: b"theirs\n"})
    await remote.head()
    assert await remote.read([PATH, OTHER], theirs) == {PATH: b"ours\n", OTHER: b"theirs\n"}
    assert await remote.read([PATH], ours.sha) == {PATH: b"ours\n"}
    assert pid(remote) == first


async def test_it_ends_with_its_client(bare: BareRepository, cache_dir: Path) -> None:
    async with GitRemote(GitSettings(url=bare.url), cache_dir) as remote:
        _, first = await looked_at(remote)
        assert is_alive(first)
    assert not is_alive(first)


async def test_it_ends_with_its_cache(remote: GitRemote) -> None:
    head, first = await looked_at(remote)
    await remote._cache.rebuild(await remote._cache.create())
    assert not is_alive(first)
    assert (await remote.read([PATH], head))[PATH] == BEFORE
    assert pid(remote) != first


async def test_it_ends_with_a_repack_whose_packs_it_would_keep(remote: GitRemote) -> None:
    head, first = await looked_at(remote)
    await remote._cache._tidy()
    assert not is_alive(first)
    assert (await remote.read([PATH], head))[PATH] == BEFORE


async def test_it_reads_on_when_somebody_else_has_repacked(
    bare: BareRepository, remote: GitRemote, connect: Connect, cache_dir: Path
) -> None:
    other = connect(GitSettings(url=bare.url), cache_dir)
    head, first = await looked_at(remote)
    await other.read([OTHER], head)  # in a pack that the first has not opened
    await other._cache._tidy()
    await other._cache._tidy()
    assert await remote.read(FILES, head) == FILES
    assert pid(remote) == first


async def test_it_lives_for_a_while_only(remote: GitRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    head, first = await looked_at(remote)
    monkeypatch.setattr(reader, "_LIFE", 0)
    assert (await remote.read([PATH], head))[PATH] == BEFORE
    assert pid(remote) != first
    assert not is_alive(first)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGBUS])
async def test_another_takes_the_place_of_one_that_died(remote: GitRemote, by: signal.Signals) -> None:
    head, first = await looked_at(remote)
    os.kill(first, by)
    assert (await remote.read([PATH], head))[PATH] == BEFORE
    assert pid(remote) != first


def renamed(cache: Path) -> None:
    cache.rename(cache.with_name("elsewhere"))


def removed(cache: Path) -> None:
    shutil.rmtree(cache)


def emptied(cache: Path) -> None:
    (cache / "objects" / "pack").rename(cache.with_name("elsewhere"))
    (cache / "objects" / "pack").mkdir()


@pytest.mark.parametrize("harm", [renamed, removed, emptied])
async def test_what_is_in_another_place_by_now_is_not_read_from_the_old_one(
    remote: GitRemote, harm: Callable[[Path], None]
) -> None:
    head, first = await looked_at(remote)
    harm(remote._cache.path)
    assert (await remote.read([PATH], head))[PATH] == BEFORE
    assert not is_alive(first)


async def test_a_question_that_is_given_up_leaves_no_half_answer_to_the_next(
    bare: BareRepository, remote: GitRemote
) -> None:
    bare.commit({OTHER: LARGE})
    head = await remote.head()
    assert await remote.read([OTHER], head) == {OTHER: LARGE}
    for turns in range(1, 30):
        asking = asyncio.create_task(remote.read([OTHER, PATH, OTHER], head))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await remote.read([PATH], head) == {PATH: BEFORE}
    last = pid(remote)
    await remote.aclose()
    assert not is_alive(last)


async def test_it_ends_though_nobody_waits_for_its_end(remote: GitRemote) -> None:
    for turns in range(1, 8):
        head, last = await looked_at(remote)
        ending = asyncio.create_task(remote._cache._reader.end())
        for _ in range(turns):
            await asyncio.sleep(0)
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        await until(partial(is_over, last))
        assert (await remote.read([PATH], head))[PATH] == BEFORE


async def test_who_waits_for_a_turn_may_give_up_too(bare: BareRepository, remote: GitRemote) -> None:
    head, _ = await looked_at(remote)
    asking = [asyncio.create_task(remote.read([path], head)) for path in FILES for _ in range(4)]
    await asyncio.sleep(0)
    for task in asking[1::2]:
        task.cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(answer) for answer in answers[0::2]] == [dict] * 6
    assert (await remote.read([PATH], head))[PATH] == BEFORE


class StandInGit:
    """Stands before git, and answers `cat-file --batch` in its place as often as it is told to."""

    def __init__(self, directory: Path, real: str) -> None:
        self._script = directory / "script"
        self._times = directory / "times"
        (directory / "bin").mkdir(parents=True)
        self.path = directory / "bin"
        (self.path / "git").write_text(
            f'#!/bin/sh\ncase "$*" in *"cat-file --batch"*)\n'
            f'if [ -s {self._times} ]; then sed -i 1d {self._times}; . {self._script}; fi;;\nesac\nexec {real} "$@"\n'
        )
        (self.path / "git").chmod(0o755)

    def answers(self, script: str, times: int) -> None:
        self._script.write_text(script)
        self._times.write_text("x\n" * times)

    @property
    def left(self) -> int:
        return len(self._times.read_text())


@pytest.fixture
def stand_in_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandInGit:
    real = shutil.which("git")
    assert real
    stand_in_git = StandInGit(tmp_path / "impostor", real)
    monkeypatch.setenv("PATH", f"{stand_in_git.path}:{os.environ['PATH']}")
    return stand_in_git


SHA = "a" * 40
SPOILED = {
    "it says nothing": "read name; exit 1",
    "half a line": f"read name; printf '{SHA} blob'; exit 0",
    "half a body": f"read name; printf '{SHA} blob 100\\nabc'; exit 0",
    "more than it said": f"read name; printf '{SHA} blob 3\\nabcdef\\n'; exit 0",
    "an endless line": "read name; head -c 3000000 /dev/zero | tr '\\0' x; exit 0",
    "too much": f"read name; printf '{SHA} blob 99999999999\\n'; exit 0",
}


@pytest.mark.parametrize("script", SPOILED.values(), ids=SPOILED)
async def test_an_answer_that_is_not_gits_is_nobodys_file(
    remote: GitRemote, stand_in_git: StandInGit, script: str
) -> None:
    head, _ = await looked_at(remote)
    await remote._cache._reader.end()
    stand_in_git.answers(script, times=1)
    with pytest.raises(CacheBroken):
        await remote._cache.objects([f"{head}:{PATH}"])
    assert not stand_in_git.left
    assert (await remote.read([PATH], head))[PATH] == BEFORE


async def test_why_it_cannot_read_is_told(remote: GitRemote, stand_in_git: StandInGit) -> None:
    head, _ = await looked_at(remote)
    await remote._cache._reader.end()
    stand_in_git.answers("read name; echo 'fatal: the disk is on fire' >&2; exit 128", times=1)
    with pytest.raises(CacheBroken, match="the disk is on fire"):
        await remote._cache.objects([head])


async def test_one_that_never_answers_is_not_waited_for(
    bare: BareRepository, connect: Connect, cache_dir: Path, stand_in_git: StandInGit
) -> None:
    remote = connect(GitSettings(url=bare.url), cache_dir, Patience(local=5))
    head = await remote.head()
    await remote._cache._reader.end()
    stand_in_git.answers("exec sleep 1000", times=1)
    remote._cache._reader._seconds = 0.2
    with pytest.raises(Unavailable, match="no answer within"):
        await remote._cache.objects([head])
    stand_in_git.answers("", times=0)  # where it was killed before it had counted itself
    remote._cache._reader._seconds = 60
    assert head in await remote._cache.objects([head])


async def test_names_may_look_like_answers(bare: BareRepository, remote: GitRemote) -> None:
    odd = {
        f"{SHA} blob 3": b"1", "x missing": b"2", "a blob": b"3", " ": b"4", "line\rend": b"5", "ü tree 4": b"6",
    }  # fmt: skip
    absent = [f"{name}!" for name in odd] + [f"{name} blob" for name in odd]
    head = bare.commit(odd)
    await remote.head()
    assert await remote.read([*odd, *absent, PATH], head) == {**odd, PATH: BEFORE}
    assert await remote.read([*odd, *absent, PATH], head) == {**odd, PATH: BEFORE}


async def test_a_name_that_ends_in_a_carriage_return_is_another_file(bare: BareRepository, remote: GitRemote) -> None:
    """git takes it for a part of the line's end."""
    head = bare.commit({"name": b"without\n", "both": b"without\n"}, more='M 100644 inline "both\\r"\ndata 5\nwith\n\n')
    await remote.head()
    for _ in range(2):
        assert await remote.read(["name\r", "both\r"], head) == {"both\r": b"with\n"}
        assert await remote.read(["name", "both"], head) == {"name": b"without\n", "both": b"without\n"}


async def test_nothing_is_left_on_the_loop(bare: BareRepository, cache_dir: Path) -> None:
    before = asyncio.all_tasks()
    async with GitRemote(GitSettings(url=bare.url), cache_dir) as remote:
        await looked_at(remote)
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before
