"""What every OverlaySource and OverlayWriter must do, whichever it is."""

from collections.abc import Mapping
from typing import Protocol

import pytest

from bot.domain.errors import HeadMoved, NotFound
from bot.domain.overlay import Author, Change, ChangedPath, Commit
from bot.ports import OverlaySource, OverlayWriter

PATH = "apps/my-app/overlays/production/kustomization.yaml"
OTHER = "apps/ledger/overlays/production/kustomization.yaml"
BEFORE = b"images:\r\n- name: my-app # keep\r\n  newTag: v1\r\n"
FILES = {PATH: BEFORE, OTHER: b"images: []\n", "README.md": b""}
ANA = Author("Ana Müller", "ana@example.com")


class Overlays(OverlaySource, OverlayWriter, Protocol):
    """Both halves of the port."""


class World(Protocol):
    """A repository with FILES in its first commit, seen through `overlays` and changed by others."""

    overlays: Overlays

    async def push(self, files: Mapping[str, bytes]) -> str: ...

    async def reset(self, sha: str) -> None: ...


def change(content: bytes = b"new\n", message: str = "Promote my-app\n\nPromotion-Id: p-1", path: str = PATH) -> Change:
    return Change({path: content}, message, ANA)


class OverlayContract:
    """Subclasses give the fixture `world`."""

    async def test_head_follows_the_branch(self, world: World) -> None:
        first = await world.overlays.head()
        pushed = await world.push({PATH: b"by hand\n"})
        assert await world.overlays.head() == pushed != first

    async def test_files_are_read_byte_for_byte_at_the_commit_that_was_asked_for(self, world: World) -> None:
        first = await world.overlays.head()
        pushed = await world.push({PATH: b"by hand\n"})
        assert await world.overlays.read([PATH, OTHER, "README.md"], first) == FILES
        assert await world.overlays.read([PATH], pushed) == {PATH: b"by hand\n"}

    async def test_absent_paths_are_absent_from_the_answer(self, world: World) -> None:
        head = await world.overlays.head()
        asked = ["apps/nowhere/kustomization.yaml", "apps", "apps/my-app/", "./README.md", "../README.md", "", PATH]
        assert set(await world.overlays.read(asked, head)) == {PATH}
        assert await world.overlays.read([], head) == {}

    async def test_all_paths_of_a_commit(self, world: World) -> None:
        first = await world.overlays.head()
        await world.push({"apps/new/file.yaml": b"x"})
        assert sorted(await world.overlays.paths(first)) == sorted(FILES)

    async def test_an_unknown_commit_is_not_found(self, world: World) -> None:
        for unknown in ("f" * 40, "--all", "HEAD", ""):
            with pytest.raises(NotFound):
                await world.overlays.read([PATH], unknown)
            with pytest.raises(NotFound):
                await world.overlays.paths(unknown)

    async def test_the_remote_says_which_branch_its_head_names(self, world: World) -> None:
        assert await world.overlays.default_branch() == "main"

    async def test_a_commit_changes_its_files_and_nothing_else(self, world: World) -> None:
        first = await world.overlays.head()
        commit = await world.overlays.commit(change(b"a\r\nb"), first)
        assert await world.overlays.head() == commit.sha
        assert await world.overlays.read(FILES, commit.sha) == {**FILES, PATH: b"a\r\nb"}
        assert commit.message.startswith("Promote my-app\n\nPromotion-Id: p-1")
        assert commit.trailer("Promotion-Id") == "p-1"
        assert commit.author == ANA
        assert commit.url.endswith(commit.sha)

    async def test_a_commit_adds_a_file_and_changes_another_at_once(self, world: World) -> None:
        files = {PATH: b"1\n", 'apps/ü new/"quoted" file.yaml': b"2\n"}
        commit = await world.overlays.commit(Change(files, "Two files", ANA), await world.overlays.head())
        assert await world.overlays.read(files, commit.sha) == files

    async def test_the_commit_is_found_in_history_by_its_person(self, world: World) -> None:
        commit = await world.overlays.commit(change(), await world.overlays.head())
        newest = (await world.overlays.history(PATH, 1))[0]
        assert newest.sha == commit.sha
        assert newest.message.startswith(commit.message)
        assert newest.author == ANA
        assert newest.url == commit.url

    async def test_a_moved_head_is_told_and_nothing_is_written(self, world: World) -> None:
        first = await world.overlays.head()
        pushed = await world.push({OTHER: b"by hand\n"})
        with pytest.raises(HeadMoved):
            await world.overlays.commit(change(), first)
        assert await world.overlays.head() == pushed
        assert (await world.overlays.read([PATH], pushed))[PATH] == BEFORE

    async def test_after_a_moved_head_the_change_is_written_on_the_new_one(self, world: World) -> None:
        first = await world.overlays.head()
        await world.push({OTHER: b"by hand\n"})
        with pytest.raises(HeadMoved):
            await world.overlays.commit(change(), first)
        commit = await world.overlays.commit(change(), await world.overlays.head())
        assert await world.overlays.read([PATH, OTHER], commit.sha) == {PATH: b"new\n", OTHER: b"by hand\n"}

    async def test_a_branch_that_was_force_moved_is_followed_back(self, world: World) -> None:
        first = await world.overlays.head()
        lost = await world.overlays.commit(change(), first)
        await world.reset(first)
        assert await world.overlays.head() == first
        with pytest.raises(HeadMoved):
            await world.overlays.commit(change(b"again\n"), lost.sha)
        await world.overlays.commit(change(b"again\n"), first)

    async def test_history_of_a_path_is_newest_first_and_only_of_that_path(self, world: World) -> None:
        head = await world.overlays.head()
        commits: list[Commit] = []
        for number in range(3):
            commits.append(await world.overlays.commit(change(b"%d" % number, f"Number {number}"), head))
            head = await world.push({OTHER: b"%d" % number})
        shas = [commit.sha for commit in await world.overlays.history(PATH, 3)]
        assert shas == [commit.sha for commit in reversed(commits)]
        assert len(await world.overlays.history(PATH, 2)) == 2
        assert len(await world.overlays.history("", 10)) == 7
        assert len(await world.overlays.history(PATH, 100)) == 4

    async def test_history_goes_back_from_the_commit_that_is_named(self, world: World) -> None:
        first = await world.overlays.head()
        second = await world.overlays.commit(change(), first)
        await world.overlays.commit(change(b"newer\n"), second.sha)
        assert [commit.sha for commit in await world.overlays.history(PATH, 9, second.sha)] == [second.sha, first]

    async def test_a_file_is_read_at_many_commits_at_once(self, world: World) -> None:
        first = await world.overlays.head()
        second = await world.overlays.commit(change(b"a\r\nb"), first)
        added = 'apps/ü new/"quoted" file.yaml'
        third = await world.overlays.commit(Change({added: b"3\n"}, "Added", ANA), second.sha)
        commits = [commit.sha for commit in await world.overlays.history("", 9)]
        assert await world.overlays.versions(PATH, commits) == {
            third.sha: b"a\r\nb",
            second.sha: b"a\r\nb",
            first: BEFORE,
        }
        assert await world.overlays.versions(added, commits) == {third.sha: b"3\n"}
        assert await world.overlays.versions(PATH, []) == {}

    async def test_a_commit_is_found_by_its_trailer_since_another(self, world: World) -> None:
        first = await world.overlays.head()
        mine = await world.overlays.commit(change(), first)
        await world.push({OTHER: b"by hand\n"})
        [found] = await world.overlays.find("Promotion-Id", "p-1", first)
        assert (found.sha, found.parents) == (mine.sha, (first,))
        assert found.trailer("Promotion-Id") == "p-1"
        assert await world.overlays.find("Promotion-Id", "p-1", mine.sha) == ()
        assert await world.overlays.find("Promotion-Id", "p-2", first) == ()
        assert await world.overlays.find("Promotion-Id", "p", first) == ()

    async def test_words_of_a_message_are_no_trailer(self, world: World) -> None:
        first = await world.overlays.head()
        await world.overlays.commit(change(message="Say Promotion-Id: p-9 here\n\nmore\n\nFrom: staging"), first)
        assert await world.overlays.find("Promotion-Id", "p-9", first) == ()

    async def test_what_differs_between_two_commits_is_told_for_the_whole_repository(self, world: World) -> None:
        first = await world.overlays.head()
        commit = await world.overlays.commit(change(b"1\n"), first)
        pushed = await world.push({OTHER: b"2\n", "apps/new/deep/file.yaml": b"x"})
        assert await world.overlays.differences(first, first) == ()
        assert await world.overlays.differences(first, commit.sha) == (ChangedPath(PATH, plain=True),)
        assert sorted(await world.overlays.differences(first, pushed), key=lambda one: one.path) == [
            ChangedPath(OTHER, plain=True),
            ChangedPath(PATH, plain=True),
            ChangedPath("apps/new/deep/file.yaml", plain=False),
        ]
        assert await world.overlays.differences(pushed, commit.sha) == (
            ChangedPath(OTHER, plain=True),
            ChangedPath("apps/new/deep/file.yaml", plain=False),
        )
        with pytest.raises(NotFound):
            await world.overlays.differences(first, "f" * 40)
