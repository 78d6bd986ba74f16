"""The source commits that a change brings: on record for every deployment, and told by an edit of its news."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import ANY

import pytest

from bot.deliveries import source_commits
from bot.deliveries.fold import deployments
from bot.deliveries.source_commits import AGAIN_SECONDS, TRIES, WAITING
from bot.domain.caller import Caller
from bot.domain.delivery import Cause, Deployment, Fact, ImageChange, SyncedByHand
from bot.domain.errors import Refused, Unavailable
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import Progress
from bot.domain.source_range import CommitsFound, SourceRange, Undoing
from bot.runtime.metrics import REGISTRY
from bot.store.deliveries import DeliveryStore
from tests.unit.bot.deliveries.delivery_harness import DeliveryHarness

BO = Author("Bo Chen", "bo@example.com")
REPOSITORY, SOURCE = "h/x", "https://github.com/example/x"
AT = datetime(2026, 1, 5, tzinfo=UTC)


def change(name: str = "x", before: str = "v1", after: str = "v2") -> ImageChange:
    repository = f"h/{name}"
    return ImageChange(OverlayImage(name, repository, before), OverlayImage(name, repository, after))


CHANGE = change()


@pytest.fixture
def known(harness: DeliveryHarness) -> DeliveryHarness:
    """v1 was built from the first commit, and v2 from the last of the four after it."""
    by = [Author("Ana", ""), Author("Ana", ""), Author("Cy", "cy@example.com"), Author("<!here> Ann", ""), BO]
    commits = [Commit(f"{n}" * 40, by[n], f"Change {n}\n\nMore", AT) for n in range(5)]
    harness.sources.commits[SOURCE] = commits
    harness.registry.push(REPOSITORY, "v1", revision=commits[0].sha, source=SOURCE)
    harness.registry.push(REPOSITORY, "v2", revision=commits[4].sha, source=SOURCE)
    return harness


async def recorded(harness: DeliveryHarness) -> tuple[Deployment, ...]:
    return deployments(await DeliveryStore(harness.database).of())


async def found(harness: DeliveryHarness) -> CommitsFound | None:
    [one] = await recorded(harness)
    return one.commits


async def test_the_message_is_edited_to_say_how_many_commits_and_the_newest_subjects(known: DeliveryHarness) -> None:
    await known.takes(known.commit(images=(CHANGE,)))
    [message] = known.heard("C0DEPLOY")
    assert "commits" not in str(message.shown.blocks)
    await known.looks_up_commits()
    said = "4 commits: Change 4 (<@U0BO>), Change 3 (&lt;!here&gt; Ann), Change 2 (Cy) and 1 more"
    assert said in str(message.shown.blocks), "cy may not view the app, so nobody pretends to know them"
    await known.takes(known.verdict(Progress.HEALTHY))
    assert "4 commits" in str(message.shown.blocks)
    assert "✅" in message.shown.text


async def test_of_two_images_each_has_its_own_commits(known: DeliveryHarness) -> None:
    side = "https://github.com/example/side.git"
    known.sources.commits[side] = [Commit(f"{n}" * 40, BO, f"Side {n}", AT) for n in (7, 8)]
    known.registry.push("h/y", "v1", revision="7" * 40, source=side)
    known.registry.push("h/y", "v2", revision="8" * 40, source=side)
    await known.takes(known.commit(images=(CHANGE, change("y"))))
    await known.looks_up_commits()
    [message] = known.texts("C0DEPLOY")
    assert "`x`: 4 commits: Change 4 (<@U0BO>)" in message
    assert "`y`: 1 commit: Side 8 (<@U0BO>)" in message


async def test_commits_of_two_images_of_one_range_are_told_once(known: DeliveryHarness) -> None:
    for tag, revision in (("v1", "0"), ("v2", "4")):
        known.registry.push("h/y", tag, revision=revision * 40, source=f"{SOURCE}.git")
    await known.takes(known.commit(images=(CHANGE, change("y"))))
    await known.looks_up_commits()
    [message] = known.texts("C0DEPLOY")
    assert message.count("4 commits") == 1
    assert "`x`" not in message
    kept = await found(known)
    assert kept
    assert [(one.images, one.total) for one in kept.ranges] == [(("x", "y"), 4)]


async def test_of_an_image_whose_revision_nobody_knows_nothing_is_said(known: DeliveryHarness) -> None:
    known.registry.push("h/y", "v1")
    known.registry.push("h/y", "v2")
    await known.takes(known.commit(images=(CHANGE, change("y"))))
    await known.looks_up_commits()
    assert "`x`: 4 commits" in known.texts("C0DEPLOY")[0]
    kept = await found(known)
    assert kept
    assert (kept.unknown, kept.complete) == (("y",), False)


async def test_a_promotion_has_its_commits_on_record_too(known: DeliveryHarness) -> None:
    """Its card tells them, so there is no news to edit."""
    commits = known.sources.commits[SOURCE]
    commits[3] = replace(commits[3], message='Fix it\n\nFixes: 0123456789ab ("Break it")')
    await known.takes(known.commit(images=(CHANGE,), cause=Cause.PROMOTION))
    await known.looks_up_commits()
    assert known.heard("C0DEPLOY") == []
    ids = tuple(f"{n}" * 40 for n in (4, 3, 2, 1))
    said = (Undoing("3" * 40, (), ("0123456789ab",)),)
    kept = SourceRange(("x",), SOURCE, "0" * 40, "4" * 40, 4, ids, ANY, said)
    assert (await found(known)) == CommitsFound(ANY, (kept,))


async def test_a_sync_by_hand_has_its_own(known: DeliveryHarness) -> None:
    """It is at a commit that another deployment began with."""
    back = SyncedByHand("abcdef1234", "ana", "k.yaml", (change(before="v2", after="v1"),))
    await known.takes(known.commit(images=(CHANGE,)), known.fact("argocd:by-hand:1", back))
    await known.looks_up_commits()
    ranges = {one.cause: one.commits.ranges[0].total for one in await recorded(known) if one.commits}
    assert ranges == {Cause.GIT: 4, Cause.ARGOCD: 0}


async def test_the_same_revision_under_another_tag_brings_none_and_nobody_is_asked(known: DeliveryHarness) -> None:
    known.sources.slow.add(SOURCE)
    known.registry.push(REPOSITORY, "v3", revision="4" * 40, source=SOURCE)
    await known.takes(known.commit(images=(change(before="v2", after="v3"),)))
    await known.looks_up_commits()
    kept = await found(known)
    assert kept
    assert (kept.total, kept.complete) == (0, True)
    assert "commit" not in known.texts("C0DEPLOY")[0]


async def test_a_tag_that_was_moved_since_is_no_witness(known: DeliveryHarness) -> None:
    await known.takes(known.commit(images=(CHANGE,), ago=1200))
    await known.looks_up_commits()
    kept = await found(known)
    assert kept
    assert kept.unknown == ("x",), "v2 was pushed long after the commit"


async def test_more_commits_than_are_listed_are_not_all_known(
    known: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = known.sources.compare

    async def cut(source: str, before: str, after: str) -> object:
        whole = await compare(source, before, after)
        return replace(whole, total=400)

    monkeypatch.setattr(known.sources, "compare", cut)
    await known.takes(known.commit(images=(CHANGE,)))
    await known.looks_up_commits()
    kept = await found(known)
    assert kept
    assert (kept.total, kept.complete) == (400, False)
    assert "400 commits" in known.texts("C0DEPLOY")[0]


async def test_an_author_whom_slack_cannot_name_is_asked_for_again_and_in_the_end_named_as_git_has_it(
    known: DeliveryHarness,
) -> None:
    await known.takes(known.commit(images=(CHANGE,)))
    [message] = known.heard("C0DEPLOY")
    known.directory.down = Unavailable("Slack", "users.lookupByEmail", "down")
    for _ in range(TRIES):
        assert "commits" not in str(message.shown.blocks)
        await known.looks_up_commits()
        known.now += AGAIN_SECONDS + 1
    assert "Change 4 (Bo Chen)" in str(message.shown.blocks)


@pytest.mark.parametrize("trouble", ["refused", "slow"])
async def test_an_author_whom_slack_never_names_keeps_no_other_from_being_named(
    known: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    by_email = known.directory.by_email
    known.patience = known.commits._patience = 0.05

    async def refuses(email: str) -> Caller:
        if email != "cy@example.com":
            return await by_email(email)
        if trouble == "slow":
            await asyncio.Event().wait()
        raise Refused("Slack", "users.lookupByEmail", "missing_scope")

    monkeypatch.setattr(known.directory, "by_email", refuses)
    await known.takes(known.commit(images=(CHANGE,)))
    [message] = known.heard("C0DEPLOY")
    for _ in range(TRIES):
        await known.looks_up_commits()
        known.now += AGAIN_SECONDS + 1
    assert "Change 4 (<@U0BO>)" in str(message.shown.blocks)
    assert "Change 2 (Cy)" in str(message.shown.blocks)


@pytest.mark.parametrize("name", ["U0ANA", "WU1", "U123", "URSULA"])
async def test_an_author_whose_name_has_the_form_of_an_id_mentions_nobody(known: DeliveryHarness, name: str) -> None:
    """Git takes any name."""
    newest = known.sources.commits[SOURCE][4]
    known.sources.commits[SOURCE][4] = replace(newest, author=Author(name, "stranger@example.com"))
    await known.takes(known.commit(images=(CHANGE,)))
    await known.looks_up_commits()
    [message] = known.heard("C0DEPLOY")
    assert f"Change 4 ({name.lower()})" in str(message.shown.blocks)


@pytest.mark.parametrize("trouble", ["slow", "away", "other source", "no revision", "no such commit"])
async def test_what_cannot_be_had_is_not_said(known: DeliveryHarness, trouble: str) -> None:
    match trouble:
        case "slow":
            known.sources.slow.add(SOURCE)
            known.looks_up.patience = 0.05
        case "away":
            known.registry.failing = Unavailable("Harbor", "read", "down")
        case "other source":
            known.registry.push(REPOSITORY, "v2", revision="4" * 40, source="https://github.com/example/other")
        case "no revision":
            known.registry.push(REPOSITORY, "v2", source=SOURCE)
        case _:
            del known.sources.commits[SOURCE]
    await known.takes(known.commit(images=(CHANGE,)))
    await known.looks_up_commits()
    assert "commit" not in str(known.heard("C0DEPLOY")[0].shown.blocks)
    kept = await found(known)
    assert kept == (CommitsFound(ANY, (), ("x",)) if trouble in ("other source", "no revision") else None)


async def test_without_a_source_host_nothing_is_known(known: DeliveryHarness) -> None:
    known.looks_up.sources = None
    await known.takes(known.commit(images=(CHANGE,)))
    assert await found(known) is None


async def test_of_more_than_fit_in_memory_none_is_forgotten(known: DeliveryHarness) -> None:
    changes = [known.commit(f"a{n}", images=(CHANGE,), sha=f"{n:040x}") for n in range(WAITING + 10)]
    for one in changes:
        known.now += 40  # each has a message of its own
        await known.takes(replace(one, at=known.moment()))
    await known.looks_up_commits()
    assert sum("4 commits" in text for text in known.texts("C0DEPLOY")) == len(changes)


async def test_what_an_earlier_process_had_not_looked_up_is_looked_up(known: DeliveryHarness) -> None:
    await known.takes(known.commit(images=(CHANGE,)))
    known.restart()
    await known.looks_up_commits()
    assert "4 commits" in known.texts("C0DEPLOY")[0]


async def test_what_an_earlier_process_had_not_told_is_told(known: DeliveryHarness) -> None:
    await known.takes(known.commit(images=(CHANGE,)))
    await known.looks_up.read()
    await known.looks_up.look()
    known.restart()
    await known.looks_up_commits()
    assert "4 commits" in known.texts("C0DEPLOY")[0]


async def test_what_was_away_is_asked_again_after_a_while_however_long_that_takes(known: DeliveryHarness) -> None:
    known.registry.failing = Unavailable("Harbor", "read", "down")
    await known.takes(known.commit(images=(CHANGE,)))
    await known.looks_up_commits()
    known.registry.failing = None
    await known.looks_up_commits()
    assert "4 commits" not in known.texts("C0DEPLOY")[0]
    known.registry.failing = Unavailable("Harbor", "read", "down")
    for _ in range(20):
        known.now += 3600
        await known.looks_up_commits()
    known.registry.failing = None
    known.now += 3600
    await known.looks_up_commits()
    assert "4 commits" in known.texts("C0DEPLOY")[0]


async def test_what_a_source_host_never_had_is_asked_for_an_hour(known: DeliveryHarness) -> None:
    commits = known.sources.commits.pop(SOURCE)
    await known.takes(known.commit(images=(CHANGE,)))
    await known.looks_up_commits()
    assert await found(known) is None
    known.now += 3700
    await known.looks_up_commits()
    assert await found(known) == CommitsFound(ANY, (), ("x",))
    known.sources.commits[SOURCE] = commits
    known.restart()
    assert await known.looks_up.look() is None


async def test_settings_alone_are_not_looked_up_and_hold_nothing_up(known: DeliveryHarness) -> None:
    plain = [known.commit(f"a{n}", images=(), sha=f"{n:040x}") for n in range(30)]
    await known.takes(known.commit(images=(CHANGE,)), *plain)
    await known.looks_up.read()
    looked = await known.looks_up.look()
    assert isinstance(looked, Fact)
    assert looked.app == "my-app"
    await known.looks_up.read()
    assert await known.looks_up.look() is None


async def test_what_has_been_looked_at_is_forgotten_oldest_first(
    known: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_commits, "REMEMBERED", 2)
    looked = [known.fact(f"commits:{n}", CommitsFound(str(n))) for n in range(3)]
    for fact in looked:
        await known.commits._look_at(fact)
    assert known.commits._tries == {fact.key: TRIES for fact in looked[1:]}


async def test_two_replicas_record_it_once(known: DeliveryHarness) -> None:
    other = DeliveryHarness(known.database, known.now, known.messenger, known.directory, known.registry, known.sources)
    await known.takes(known.commit(images=(CHANGE,)))
    await known.looks_up.read()
    await other.looks_up.read()
    await known.looks_up.look()
    assert await other.looks_up.look() is None
    facts = await DeliveryStore(known.database).of_kinds(("commits-found",), AT - timedelta(days=1))
    assert len(facts) == 1


async def test_what_was_fixed_before_anybody_looked_is_counted_once(known: DeliveryHarness) -> None:
    """After a backlog the newest deployment is looked up first."""
    labels = {"app": "my-app", "environment": "production"}
    before = REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) or 0
    fix = Commit("5" * 40, BO, f'Slower\n\nFixes: {"3" * 12} ("Change 3")', AT)
    known.sources.commits[SOURCE].append(fix)
    known.registry.push(REPOSITORY, "v3", revision=fix.sha, source=SOURCE)
    await known.takes(known.commit(images=(CHANGE,)), known.verdict(Progress.HEALTHY))
    known.now += 3600
    await known.takes(known.commit(images=(change(before="v2", after="v3"),), sha="feed"))
    await known.looks_up_commits()
    known.restart()
    await known.looks_up_commits()
    assert REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) == before + 1


async def test_what_a_later_deployment_fixes_is_counted_once(known: DeliveryHarness) -> None:
    labels = {"app": "my-app", "environment": "production"}
    before = REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) or 0
    fix = Commit("5" * 40, BO, f'Slower\n\nFixes: {"3" * 12} ("Change 3")', AT)
    known.sources.commits[SOURCE].append(fix)
    known.registry.push(REPOSITORY, "v3", revision=fix.sha, source=SOURCE)
    bad = known.commit(images=(CHANGE,))
    await known.takes(bad, known.verdict(Progress.HEALTHY))
    await known.looks_up_commits()
    assert (REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) or 0) == before
    known.now += 3600
    await known.takes(known.commit(images=(change(before="v2", after="v3"),), sha="feed"))
    await known.looks_up_commits()
    known.restart()
    await known.looks_up_commits()
    assert REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) == before + 1


async def test_a_source_commit_that_settings_fixed_is_counted_once_it_is_known_who_brought_it(
    known: DeliveryHarness,
) -> None:
    labels = {"app": "my-app", "environment": "production"}
    before = REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) or 0
    await known.takes(known.commit(images=(CHANGE,)), known.verdict(Progress.HEALTHY))
    known.now += 3600
    fix = known.commit(images=(), sha="feed", undoing=Undoing("feed", (), ("3" * 12,)))
    await known.takes(fix)
    await known.looks_up.fixes.count_committed(fix)
    assert (REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) or 0) == before
    await known.looks_up_commits()
    assert REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) == before + 1
