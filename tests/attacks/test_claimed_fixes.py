"""Somebody writes into a commit's message that it fixes others → DORA believes it of commits that were deployed there.

A message is untrusted text; whose failure it makes must be known by content.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.deliveries.dora import DeploymentRecord, figures
from bot.deliveries.fixes import fixed
from bot.domain.delivery import Cause, Deployment
from bot.domain.source_range import MOST_IDS, CommitsFound, Undoing, undoing
from tests.unit.bot.deliveries.test_dora import NOW, START, deployment
from tests.unit.bot.deliveries.test_failures import WEEK, brought, fixing, reverting, sha, version

FIRST = version(1, 1, brought("a1", "a2"))
MIDDLE = version(2, 2, brought("b1"))


def blamed(*there: Deployment) -> list[Deployment]:
    return list(fixed(there, WEEK))


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (fixing("c1", sha("dead")), "a commit that nobody knows"),
        (reverting("c1", sha("dead")), "the same"),
        (fixing("c1", sha("c1")), "itself"),
        (fixing("c1", sha("c2")), "a commit beside it, fixed before it came"),
        (fixing("c1", sha("d1")), "a commit that comes later"),
        (fixing("c1", sha("a1")[:-1] + "f"), "all digits but one"),
        (fixing("c1", sha("a1") + "0" * 24), "a longer id of another kind"),
        (fixing("c1", "a" + "0" * 6), "no beginning of any"),
        (fixing("c1"), "nothing"),
    ],
)
def test_what_was_not_deployed_before_fails_nothing(claim: Undoing, why: str) -> None:
    there = (FIRST, MIDDLE, version(3, 5, brought("c2", claim)), version(4, 6, brought("d1")))
    assert blamed(*there) == [], why


def test_an_abbreviation_that_means_two_commits_means_none() -> None:
    twin = sha("a1")[:10] + "1" * 30
    first = version(1, 1, brought("a1", twin))
    assert blamed(first, version(2, 2, brought(fixing("c1", sha("a1")[:10])))) == []
    assert blamed(first, version(2, 2, brought(fixing("c1", sha("a1"))))) == [first]
    later = version(3, 3, brought(twin))
    assert blamed(FIRST, version(2, 2, brought(fixing("c1", sha("a1")[:10]))), later) == []


def test_ten_thousand_claims_in_one_message_are_the_first_few() -> None:
    many = [version(number, number * 0.01, brought(f"{number:012x}f")) for number in range(1, 200)]
    message = "All\n\n" + "\n".join(f"Fixes: {number:012x}" for number in range(1, 10_001))
    claims = version(200, 3, brought(undoing(sha("c1"), message)))
    assert len(blamed(*many, claims)) == MOST_IDS


def test_another_apps_commit_in_one_repository_fails_that_app_only_where_it_was_deployed() -> None:
    """The same repository: the till's change came before the shop's image was built from it."""
    till = replace(version(1, 1, brought("a1")), app="till")
    shop = replace(version(1, 1, brought("e1")), app="shop")
    fix = version(2, 2, brought(fixing("b1", sha("a1"))))
    record = DeploymentRecord((till, shop, replace(fix, app="till"), replace(fix, app="shop")))
    parts = {part.app: part.failures for part in figures(record, "production", START, NOW)}
    assert (len(parts["till"]), parts["shop"]) == (1, ())


def test_the_same_commit_in_another_environment_fails_nothing_here() -> None:
    staging = replace(FIRST, environment="staging")
    fix = version(2, 2, brought(fixing("b1", sha("a1"))))
    [part] = figures(DeploymentRecord((staging, fix)), "production", START, NOW)
    assert part.failures == ()


def test_a_promotions_own_commit_claims_nothing() -> None:
    """Its message has a person's words in it."""
    says = Undoing(sha("f1"), (FIRST.sha,))
    assert blamed(FIRST, version(2, 2, None, undoing=says, cause=Cause.PROMOTION)) == []
    assert blamed(FIRST, version(2, 2, None, undoing=says, cause=Cause.GIT)) == [FIRST]


def test_a_broken_commit_that_claims_to_be_a_revert_can_be_reverted() -> None:
    """Else its failure would be hidden by naming a commit that nobody knows."""
    sly = version(1, 1, brought(reverting("a1", sha("dead"))))
    assert blamed(sly, version(2, 2, brought(reverting("b1", sha("a1"))))) == [sly]


def test_a_revert_of_what_somebody_synced_by_hand_fails_the_deployment_and_not_the_sync() -> None:
    synced = deployment("v1", 2, "v2", sha=FIRST.sha, cause=Cause.ARGOCD)
    back = version(3, 3, None, undoing=Undoing(sha("f1"), (FIRST.sha,)), cause=Cause.GIT)
    assert blamed(FIRST, MIDDLE, synced, back) == [FIRST]


def test_old_sins_are_not_counted() -> None:
    fix = version(2, 1 + 24 * 8, brought(fixing("b1", sha("a1"))))
    assert blamed(FIRST, fix) == []
    assert list(fixed((FIRST, fix), timedelta(days=8))) == [FIRST]


def test_what_is_not_known_claims_and_suffers_nothing() -> None:
    unknown = version(1, 1, CommitsFound("f", (), ("x",)))
    assert blamed(unknown, version(2, 2, brought(fixing("b1", sha("a1"))))) == []
    assert blamed(FIRST, version(2, 2, None)) == []
