"""The source commits that a change brings: told by an edit, after the change itself was told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.deliveries.source_commits import AGAIN_SECONDS, TRIES, WAITING
from bot.domain.delivery import ImageChange, News
from bot.domain.errors import Unavailable
from bot.domain.event import Event
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import Progress
from tests.unit.bot.deliveries.delivery_harness import DeliveryHarness

BO = Author("Bo Chen", "bo@example.com")
REPOSITORY, SOURCE = "h/x", "https://github.com/example/x"
CHANGE = ImageChange(OverlayImage("x", REPOSITORY, "v1"), OverlayImage("x", REPOSITORY, "v2"))


@pytest.fixture
def known(harness: DeliveryHarness) -> DeliveryHarness:
    """v1 was built from the first commit, and v2 from the last of the four after it."""
    at = datetime(2026, 1, 5, tzinfo=UTC)
    by = [Author("Ana", ""), Author("Ana", ""), Author("Cy", "cy@example.com"), Author("<!here> Ann", ""), BO]
    commits = [Commit(f"{n}" * 40, by[n], f"Change {n}\n\nMore", at) for n in range(5)]
    harness.sources.commits[SOURCE] = commits
    harness.registry.push(REPOSITORY, "v1", revision=commits[0].sha, source=SOURCE)
    harness.registry.push(REPOSITORY, "v2", revision=commits[4].sha, source=SOURCE)
    return harness


async def test_the_message_is_edited_to_say_how_many_commits_and_the_newest_subjects(known: DeliveryHarness) -> None:
    await known.takes(known.commit(images=(CHANGE,)))
    [message] = known.heard("C0DEPLOY")
    assert "commits" not in str(message.shown.blocks)
    await known.commits.look()
    await known.tell()
    said = "4 commits: Change 4 (<@U0BO>), Change 3 (&lt;!here&gt; Ann), Change 2 (Cy) and 1 more"
    assert said in str(message.shown.blocks), "cy may not view the app, so nobody pretends to know them"
    await known.takes(known.verdict(Progress.HEALTHY))
    assert "4 commits" in str(message.shown.blocks)
    assert "✅" in message.shown.text


async def test_an_author_whom_slack_cannot_name_is_asked_for_again_and_in_the_end_named_as_git_has_it(
    known: DeliveryHarness,
) -> None:
    await known.takes(known.commit(images=(CHANGE,)))
    [message] = known.heard("C0DEPLOY")
    known.directory.down = Unavailable("Slack", "users.lookupByEmail", "down")
    for _ in range(TRIES):
        await known.commits.look()
        await known.tell()
        known.now += AGAIN_SECONDS + 1
        await known.commits.read()
    assert "Change 4 (Bo Chen)" in str(message.shown.blocks)


@pytest.mark.parametrize("name", ["U0ANA", "WU1", "U123", "URSULA"])
async def test_an_author_whose_name_has_the_form_of_an_id_mentions_nobody(known: DeliveryHarness, name: str) -> None:
    """Git takes any name."""
    newest = known.sources.commits[SOURCE][4]
    known.sources.commits[SOURCE][4] = replace(newest, author=Author(name, "stranger@example.com"))
    await known.takes(known.commit(images=(CHANGE,)))
    await known.commits.look()
    await known.tell()
    [message] = known.heard("C0DEPLOY")
    assert f"Change 4 ({name.lower()})" in str(message.shown.blocks)


@pytest.mark.parametrize("trouble", ["slow", "away", "other source", "no revision"])
async def test_what_cannot_be_had_is_not_said(known: DeliveryHarness, trouble: str) -> None:
    match trouble:
        case "slow":
            known.sources.slow.add(SOURCE)
            known.commits._patience = 0.05
        case "away":
            known.registry.failing = Unavailable("Harbor", "read", "down")
        case "other source":
            known.registry.push(REPOSITORY, "v2", revision="4" * 40, source="https://github.com/example/other")
        case _:
            known.registry.push(REPOSITORY, "v2", source=SOURCE)
    await known.takes(known.commit(images=(CHANGE,)))
    await known.commits.look()
    await known.tell()
    assert "commit" not in str(known.heard("C0DEPLOY")[0].shown.blocks)


async def test_an_image_that_is_new_or_one_of_several_is_not_asked_for(known: DeliveryHarness) -> None:
    one = News("n", Event.DEPLOYED, "my-app", "production", datetime.fromtimestamp(known.now, UTC), images=(CHANGE,))
    for images in ((replace(CHANGE, before=None),), (CHANGE, CHANGE), ()):
        known.commits.ask(replace(one, images=images))
    known.commits.ask(replace(one, commits=3))
    assert known.commits._waiting.empty()
    known.commits.ask(one)
    assert not known.commits._waiting.empty()


async def looks_at_all(known: DeliveryHarness) -> None:
    """As `look_forever` does, until nothing waits."""
    await known.commits.read()
    while not known.commits._waiting.empty():
        await known.commits.look()
        await known.commits.read()
    await known.tell()


async def test_of_more_than_fit_in_memory_none_is_forgotten(known: DeliveryHarness) -> None:
    changes = [known.commit(f"a{n}", images=(CHANGE,), sha=f"{n:040x}") for n in range(WAITING + 10)]
    for change in changes:
        known.now += 40  # each has a message of its own
        await known.takes(change)
    await looks_at_all(known)
    assert sum("4 commits" in text for text in known.texts("C0DEPLOY")) == len(changes)


async def test_what_an_earlier_process_had_not_asked_for_is_asked_for(known: DeliveryHarness) -> None:
    await known.takes(known.commit(images=(CHANGE,)))
    known.restart()
    await looks_at_all(known)
    assert "4 commits" in known.texts("C0DEPLOY")[0]


async def test_what_was_away_is_asked_again_in_a_minute_and_not_for_ever(known: DeliveryHarness) -> None:
    known.registry.failing = Unavailable("Harbor", "read", "down")
    await known.takes(known.commit(images=(CHANGE,)))
    await looks_at_all(known)
    known.registry.failing = None
    await looks_at_all(known)
    assert "4 commits" not in known.texts("C0DEPLOY")[0]
    known.now += 61
    await looks_at_all(known)
    assert "4 commits" in known.texts("C0DEPLOY")[0]
    known.registry.failing = Unavailable("Harbor", "read", "down")
    await known.takes(known.commit("other", images=(CHANGE,)))
    for _ in range(10):
        known.now += 61
        await looks_at_all(known)
    known.registry.failing = None
    known.now += 61
    await looks_at_all(known)
    assert sum("4 commits" in text for text in known.texts("C0DEPLOY")) == 1


async def test_what_has_no_answer_is_not_asked_again(known: DeliveryHarness) -> None:
    known.registry.push(REPOSITORY, "v2", source=SOURCE)
    await known.takes(known.commit(images=(CHANGE,)))
    await looks_at_all(known)
    known.commits._read_at = 0.0
    await known.commits.read()
    assert known.commits._waiting.empty()
