"""The same attacks over real sockets: GitHub's own answers decide what is merged, and by which method."""

from pathlib import Path

import pytest

from bot.domain.errors import HeadMoved
from bot.domain.overlay import Change, ChangedPath
from integrations.sandbox.git import Signature
from integrations.sandbox.git.repository import Draft
from tests.contract.overlays import ANA, BEFORE, FILES, OTHER, PATH, change
from tests.contract.test_github import GitHubWorld, github

BRANCH = "pilothouse/p-1"
EVE = Signature("Eve", "eve@example.com")
SMUGGLED: dict[str, dict[str, bytes | None]] = {
    "another overlay": {PATH: b"new\n", OTHER: b"evil\n"},
    "another image": {PATH: b"evil\n"},
    "a new file, deep": {PATH: b"new\n", "a/b/c/d/evil.yaml": b"x"},
    "a removed file": {PATH: b"new\n", "README.md": None},
}


async def force_push(world: GitHubWorld, files: dict[str, bytes | None]) -> str:
    """In place of what is on the branch: one commit on the same parent."""
    ref = f"refs/heads/{BRANCH}"
    repository = world.git.repository
    base = await repository.resolve("refs/heads/main")
    old = await repository.resolve(ref)
    assert base is not None
    assert old is not None
    await repository.update_ref(ref, base, old)
    return await repository.write(ref, Draft(files, "Promote my-app", EVE, EVE, (base,)), base)


@pytest.mark.parametrize("files", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_a_force_pushed_head_is_neither_merged_nor_mistaken(
    tmp_path: Path, files: dict[str, bytes | None]
) -> None:
    """G11, G9: one commit, as before; the whole tree tells."""
    async with github(tmp_path) as world:
        pull = await world.client.open(change(), BRANCH, await world.client.head(), "Promote", "")
        assert await world.client.differences(pull.fork, pull.head) == (ChangedPath(PATH, plain=True),)
        evil = await force_push(world, files)
        now = await world.client.get(pull.number)
        assert (now.head, now.commits, now.fork) == (evil, 1, pull.fork)
        odd = {one.path for one in await world.client.differences(now.fork, now.head)} - {PATH}
        changed = await world.client.read([PATH], now.head)
        assert odd or changed != {PATH: b"new\n"}
        with pytest.raises(HeadMoved):
            await world.client.merge(pull.number, pull.head, "Promote", ANA)
        assert await world.content(PATH) == BEFORE
        assert await world.content(OTHER) == FILES[OTHER]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_after_a_merge_by_any_method_the_first_parent_tells_what_came(tmp_path: Path, method: str) -> None:
    async with github(tmp_path) as world:
        pull = await world.client.open(change(), BRANCH, await world.client.head(), "Promote", "")
        await world.push({"elsewhere.txt": b"meanwhile\n"})
        await force_push_on(world, pull.fork)
        one = world.hub.pulls.all[pull.number]
        await world.hub.pulls.merge(one, method, "By hand", one.user, None)
        merged = await world.client.get(pull.number)
        assert merged.merge_commit == await world.client.head()
        before = merged.merge_parents[0]
        differ = await world.client.differences(before, merged.merge_commit)
        assert {one.path for one in differ} == {PATH, "evil.yaml"}
        assert len(merged.merge_parents) == (2 if method == "merge" else 1)


async def force_push_on(world: GitHubWorld, base: str) -> None:
    ref = f"refs/heads/{BRANCH}"
    old = await world.git.repository.resolve(ref)
    assert old is not None
    await world.git.repository.update_ref(ref, base, old)
    files: dict[str, bytes | None] = {PATH: b"new\n", "evil.yaml": b"x"}
    await world.git.repository.write(ref, Draft(files, "Promote", EVE, EVE, (base,)), base)


async def test_more_than_300_files_hide_nothing(tmp_path: Path) -> None:
    """G9: GitHub's comparison ends there, so the trees are asked."""
    async with github(tmp_path) as world:
        head = await world.client.head()
        many = {f"a/{number:03}.txt": b"x" for number in range(299)}
        await world.client.open(Change({PATH: b"new\n"}, "x", ANA), BRANCH, head, "Promote", "")
        evil = await force_push(world, {**many, PATH: b"new\n"})
        assert len(await world.client.differences(head, evil)) == 300


async def test_a_squash_keeps_the_person_as_co_author(tmp_path: Path) -> None:
    async with github(tmp_path) as world:
        pull = await world.client.open(change(), BRANCH, await world.client.head(), "Promote", "")
        await world.client.merge(pull.number, pull.head, "Promote\n\nPromotion-Id: p-1", ANA)
        newest = (await world.client.history("", 1))[0]
        assert newest.message.endswith(f"Promotion-Id: p-1\nCo-authored-by: {ANA.name} <{ANA.email}>")
        assert newest.author == ANA
