"""Which changes failed: rolled back, or fixed forward by a commit that says what it fixes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deliveries.dora import DeploymentRecord, figures
from bot.domain.delivery import Cause, Committed, Deployment, Fact, Figures, ImageChange, Judged, Outcome
from bot.domain.overlay import Author
from bot.domain.promotion import Progress
from bot.domain.source_range import CommitsFound, SourceRange, Undoing, commits_key
from tests.unit.bot.deliveries.test_dora import NOW, START, at, deployment, fact, of, pin

WEEK = timedelta(days=7)


def sha(name: str) -> str:
    """A whole id that begins with these hex digits."""
    return f"{name:0<40}"


def brought(*commits: str | Undoing, total: int = -1) -> CommitsFound:
    """Oldest first, by the beginnings of their ids."""
    said = tuple(one for one in commits if isinstance(one, Undoing))
    ids = tuple(reversed([one.commit if isinstance(one, Undoing) else sha(one) for one in commits]))
    part = SourceRange(("x",), "s", "a", "b", len(ids) if total < 0 else total, ids, (), said)
    return CommitsFound("f", (part,))


def fixing(name: str, *fixes: str) -> Undoing:
    return Undoing(sha(name), (), fixes)


def reverting(name: str, *reverts: str) -> Undoing:
    return Undoing(sha(name), reverts)


def version(number: int, hours: float, commits: CommitsFound | None, **more: Any) -> Deployment:
    return deployment(f"v{number}", hours, f"v{number - 1}", commits=commits, **more)


BROKEN = version(1, 1, brought("a1", "a2"))


def failed(found: Figures) -> list[tuple[str, str, timedelta | None]]:
    """The image, why, and how long."""
    return [(one.deployment.images[0].labels[1], one.reason, one.lasted) for one in found.failures]


@pytest.mark.parametrize(
    ("fix", "word"),
    [
        (reverting("b1", sha("a1")), "reverted"),
        (reverting("b1", sha("a2")[:12]), "reverted"),
        (fixing("b1", sha("a2")[:12]), "fixed"),
        (fixing("b1", sha("a2")[:7]), "fixed"),
        (fixing("b1", sha("ffff"), sha("a1")), "fixed"),
        (Undoing(sha("b1"), (sha("a1"),), (sha("a2"),)), "fixed"),
        (Undoing(sha("b1"), (sha("a1"),), (sha("ffff"),)), "reverted"),
    ],
)
def test_a_later_commit_says_what_it_reverts_or_fixes(fix: Undoing, word: str) -> None:
    fixed = version(2, 5, brought(fix))
    assert failed(of(BROKEN, fixed)) == [("v1", f"it was {word} by {fixed.sha}", timedelta(hours=4))]
    assert of(BROKEN, fixed).failure_rate == 0.5


def test_time_to_restore_ends_with_what_became_healthy_first() -> None:
    """The fix itself was superseded by the one that brought it."""
    fix = version(2, 5, brought(fixing("b1", sha("a1"))), minutes=None, outcome=Outcome.SUPERSEDED)
    assert failed(of(BROKEN, fix)) == [("v1", f"it was fixed by {fix.sha}", None)]
    later = version(3, 7, brought("c1"))
    assert failed(of(BROKEN, fix, later)) == [("v1", f"it was fixed by {fix.sha}", timedelta(hours=6))]


def test_only_within_the_time_that_policy_sets() -> None:
    fix = version(2, 1 + 49, brought(fixing("b1", sha("a1"))))
    assert failed(of(BROKEN, fix))
    record = DeploymentRecord((BROKEN, fix), fixed_within=timedelta(days=2))
    assert figures(record, "production", START, NOW)[0].failures == ()


def test_the_first_fix_counts_and_each_change_once() -> None:
    first, second = version(2, 3, brought(fixing("b1", sha("a1")))), version(3, 4, brought(fixing("c1", sha("a2"))))
    assert [why for _, why, _ in failed(of(BROKEN, first, second))] == [f"it was fixed by {first.sha}"]


def test_what_failed_anyway_failed_for_that_reason() -> None:
    ill = replace(BROKEN, degraded_at=at(1.5), recovered_at=at(2))
    fix = version(2, 5, brought(fixing("b1", sha("a1"))))
    assert [why for _, why, _ in failed(of(ill, fix))] == ["it turned Degraded"]


def test_what_never_reached_the_environment_came_with_what_did() -> None:
    lost = version(1, 1, brought("a1"), minutes=None, outcome=Outcome.NEVER_RAN)
    carrier = version(2, 2, brought("b1"))
    fix = version(3, 5, brought(fixing("c1", sha("a1"))))
    assert failed(of(lost, carrier, fix)) == [("v2", f"it was fixed by {fix.sha}", timedelta(hours=3))]


def test_what_never_reached_it_comes_with_another_image_of_the_same_commit() -> None:
    lost = version(1, 1, brought("a1"), minutes=None, outcome=Outcome.NEVER_RAN)
    rebuilt = version(2, 2, CommitsFound("f", (SourceRange(("x",), "s", sha("a1"), sha("a1")),)))
    fix = version(3, 5, brought(fixing("c1", sha("a1"))))
    assert failed(of(lost, rebuilt, fix)) == [("v2", f"it was fixed by {fix.sha}", timedelta(hours=3))]


def test_what_was_given_up_before_it_ran_came_with_nothing() -> None:
    lost = version(1, 1, brought("a1"), minutes=None, outcome=Outcome.SUPERSEDED)
    back = deployment("v0", 2, "v1", commits=brought())
    fix = deployment("v2", 5, "v0", commits=brought(fixing("c1", sha("a1"))))
    assert failed(of(lost, back, fix)) == []


def test_what_comes_a_second_time_is_fixed_the_second_time() -> None:
    again = deployment("v1", 30, "v0", commits=brought("a1", "a2"))
    back = deployment("v0", 28, "v1", commits=brought())
    fix = version(2, 40, brought(fixing("b1", sha("a1"))))
    assert [(one.deployment, one.by) for one in of(BROKEN, back, again, fix).failures] == [(again, fix)]


def test_a_revert_of_a_revert_tells_nothing_against_the_revert() -> None:
    """Somebody goes back, and brings the change again once it is right."""
    back = version(2, 3, brought(reverting("b1", sha("a1"))))
    again = version(3, 9, brought(reverting("c1", sha("b1"))))
    assert [name for name, _, _ in failed(of(BROKEN, back, again))] == ["v1"]
    wrong = version(3, 9, brought(fixing("c1", sha("b1"))))
    assert [name for name, _, _ in failed(of(BROKEN, back, wrong))] == ["v1", "v2"]


def test_what_is_not_known_or_not_all_known_is_counted_as_unseen() -> None:
    cut = version(2, 3, brought("b1", total=400))
    found = of(BROKEN, cut, version(3, 4, None), version(4, 5, CommitsFound("f", (), ("x",))))
    assert (found.unseen, len(found.deployments)) == (3, 4)


# In the deployment repository.


def committed(tag: str, hours: float, before: str, undoing: Undoing | None = None, **more: Any) -> Deployment:
    return deployment(
        tag, hours, before, sha=sha(f"{tag.strip('v')}e"), undoing=undoing, **{"cause": Cause.GIT, **more}
    )


def test_git_revert_of_an_overlays_commit_that_goes_back_is_a_rollback() -> None:
    bad = committed("v2", 2, "v1")
    back = committed("v1", 3, "v2", reverting("1e", bad.sha))
    assert [(why, by) for _, why, by in failed(of(bad, back))] == [
        (f"it was rolled back by {back.sha}", timedelta(minutes=10))
    ]


def test_git_revert_counts_though_other_images_come_of_it_and_later_than_a_day() -> None:
    bad, between = committed("v2", 2, "v1"), committed("v3", 20, "v2")
    back = committed("v9", 60, "v3", reverting("9e", bad.sha[:10]))
    found = of(bad, between, back)
    assert [(one.deployment, one.reason) for one in found.failures] == [(bad, f"it was reverted by {back.sha}")]


def test_a_change_of_settings_that_says_so_fixes_a_deployment_and_is_none_itself() -> None:
    bad = committed("v2", 2, "v1")
    settings = deployment("", 4, images=(), sha=sha("5e77"), cause=Cause.GIT, undoing=reverting("5e77", bad.sha))
    found = of(bad, settings)
    assert failed(found) == [("v2", f"it was reverted by {settings.sha}", timedelta(hours=2))]
    assert (found.deployments, found.failure_rate) == ((bad,), 1.0)
    undone = deployment("", 5, images=(), sha=sha("5e78"), cause=Cause.GIT, undoing=reverting("5e78", settings.sha))
    assert of(settings, undone).failures == ()


def test_going_back_past_several_fails_each_that_brought_something() -> None:
    first, second = committed("v2", 2, "v1"), committed("v3", 3, "v2")
    back = committed("v1", 4, "v3")
    assert [one.deployment for one in of(first, second, back).failures] == [first, second]
    older = committed("v0", 1, "v8")
    assert [one.deployment for one in of(older, first, committed("v0", 4, "v2")).failures] == [first]


def test_going_forward_again_within_a_day_fails_nothing_that_went_back() -> None:
    first, second = committed("v2", 2, "v1"), committed("v3", 3, "v2")
    back, forward = committed("v1", 30, "v3"), replace(committed("v2", 31, "v1"), sha=sha("aaaa"))
    assert [one.deployment for one in of(first, second, back, forward).failures] == []


def test_going_back_with_another_image_fails_nothing_of_this_one() -> None:
    other = ImageChange(replace(pin("v7"), name="y"), replace(pin("v6"), name="y"))
    before = deployment("v6", 1, images=(ImageChange(replace(pin("v6"), name="y"), replace(pin("v7"), name="y")),))
    elsewhere = deployment("v6", 3, images=(other,))
    assert [one.deployment for one in of(before, deployment("v2", 2, "v1"), elsewhere).failures] == [before]


def facts() -> list[Fact]:
    found: list[Fact] = []
    for number, commits in ((1, brought("a1")), (2, brought(fixing("b1", sha("a1")[:9])))):
        begun = Committed(
            f"c{number}", Author("Ana", ""), "x", Cause.GIT, "k", (ImageChange(pin("v0"), pin(f"v{number}")),)
        )
        key = f"git:c{number}"
        found.append(fact(key, number, begun, "production"))
        found.append(fact(commits_key(key), number, replace(commits, of=found[-1].key), "production"))
        found.append(fact(f"j{number}", number + 0.5, Judged(f"c{number}", Progress.HEALTHY), "production"))
    return found


@given(st.permutations(facts()))
def test_the_order_of_facts_changes_no_failure(shuffled: list[Fact]) -> None:
    [part] = figures(DeploymentRecord.of([*shuffled, *shuffled[:2]]), "production", START, NOW)
    assert [(one.deployment.sha, one.reason, one.lasted) for one in part.failures] == [
        ("c1", "it was fixed by c2", timedelta(hours=1))
    ]
    assert part.unseen == 0
    assert isinstance(part.failures[0].at, datetime)
