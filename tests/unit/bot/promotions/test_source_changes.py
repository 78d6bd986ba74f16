"""How many source commits a promotion brings, and who wrote the newest one."""

from dataclasses import replace

from bot.domain.overlay import Author, Commit
from bot.domain.promotion import Move
from bot.promotions.source_changes import Changes
from tests.fakes.sources import MemorySources
from tests.views.samples import AT, move


def history(*authors: str) -> list[Commit]:
    """c0, c1, …, oldest first."""
    return [Commit(f"c{n}", Author(name, f"{name}@example.com"), "work", AT) for n, name in enumerate(authors)]


def built(app: str, before: str, after: str) -> Move:
    return replace(move(app), revision_before=before, revision=after)


def sources() -> MemorySources:
    return MemorySources(
        {
            "https://github.com/acme/my-app": history("cy", "ana", "bo"),
            "https://github.com/acme/ledger": history("mia", "dee"),
        }
    )


async def test_commits_are_counted_and_the_newest_ones_authors_named() -> None:
    told = await Changes(sources()).of([built("my-app", "c0", "c2"), built("ledger", "c0", "c1")])
    assert [one.commits for one in told.moves] == [2, 1]
    assert told.authors == ("bo@example.com", "dee@example.com")
    assert [[commit.author for commit in one.newest] for one in told.moves] == [["bo", "ana"], ["dee"]]
    assert all(commit.subject for one in told.moves for commit in one.newest)


async def test_the_card_names_a_few_of_many_commits() -> None:
    many = MemorySources({"https://github.com/acme/my-app": history(*(f"dev{number}" for number in range(9)))})
    told = await Changes(many).of([built("my-app", "c0", "c8")])
    assert (told.moves[0].commits, len(told.moves[0].newest)) == (8, 3)


async def test_what_cannot_be_had_is_left_out() -> None:
    asked = [built("my-app", "c0", "gone"), built("ledger", "", "c1"), replace(built("x", "c0", "c1"), source="")]
    told = await Changes(sources()).of(asked)
    assert (told.moves, told.authors) == (tuple(asked), ())


async def test_a_source_that_does_not_answer_is_not_waited_for() -> None:
    slow = sources()
    slow.slow.add("https://github.com/acme/my-app")
    told = await Changes(slow, patience=0.02).of([built("my-app", "c0", "c2"), built("ledger", "c0", "c1")])
    assert [one.commits for one in told.moves] == [-1, 1]


async def test_without_a_source_host_nothing_is_asked() -> None:
    asked = (built("my-app", "c0", "c2"),)
    assert (await Changes(None).of(asked)).moves == asked
