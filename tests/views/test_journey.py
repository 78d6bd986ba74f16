"""The words of a commit's journey, as they are read."""

from dataclasses import replace

import pytest

from bot.domain.build import Build, ImageScanned, Pushed
from bot.domain.delivery import Outcome
from bot.domain.journey import Journey, JourneyFailure, Later, Leg
from bot.domain.overlay import Author
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Stage
from bot.domain.scan import ScanStatus, Severity
from bot.views.journey import failure, journey
from tests.views.samples import AT, DIGEST
from tests.views.test_limits import accept

BUILD = Build("my-app", "c0ffee" + "0" * 34, "my-app-x7k2p", AT)
LAST = ("production",)
LEGS = (Leg("development"), Leg("staging"), Leg("production"))
PUSH = Pushed("https://x", BUILD.revision, Author("Ana Ng", "ana@example.com"), "Make it faster", "https://x/c", 1)
WAY = "⏳ building · – not scanned yet · – development · – staging · – production"


def shown(build: Build = BUILD, legs: tuple[Leg, ...] = LEGS, **cards: str) -> str:
    return journey(Journey(build, legs, LAST), cards).text.replace("\u00a0", " ")


def test_a_sign_stays_with_its_word() -> None:
    text = journey(Journey(BUILD, LEGS, LAST), {}).text
    assert "⏳\u00a0building · –\u00a0not scanned yet · –\u00a0development" in text


def test_it_names_the_app_the_commit_and_how_far_it_has_come() -> None:
    assert shown() == f"*my-app* c0ffee0: {WAY}"
    assert shown(replace(BUILD, push=PUSH)) == f"*my-app* <https://x/c|c0ffee0> Make it faster: {WAY}"


@pytest.mark.parametrize(
    ("status", "counts", "words"),
    [
        (ScanStatus.SUCCESS, (), "✅ scanned without findings"),
        (ScanStatus.SUCCESS, ((Severity.LOW, 2), (Severity.MEDIUM, 1)), "✅ scanned 1 medium, 2 low"),
        (ScanStatus.SUCCESS, ((Severity.CRITICAL, 1200),), "⚠️ scanned 1,200 critical"),
        (ScanStatus.ERROR, (), "❌ scan failed"),
        (ScanStatus.STOPPED, (), "– scan stopped"),
        (ScanStatus.INCOMPLETE, (), "⚠️ scan incomplete"),
    ],
)
def test_what_the_scan_has_found(status: ScanStatus, counts: tuple[tuple[Severity, int], ...], words: str) -> None:
    assert f" · {words} · " in shown(replace(BUILD, scan=ImageScanned(DIGEST, status, counts)))


@pytest.mark.parametrize(
    ("leg", "words"),
    [
        (Leg("staging", waits=Stage.APPROVAL), "⏳ staging (approval)"),
        (Leg("staging", waits=Stage.APPROVAL, commits=4), "⏳ staging (approval, 4 commits)"),
        (Leg("staging", Outcome.HEALTHY, commits=1), "✅ staging (1 commit)"),
        (Leg("staging", Outcome.HEALTHY, commits=0), "✅ staging"),
        (Leg("staging", waits=Stage.GATES, promotion="p"), "⏳ <https://slack/p|staging> (gates)"),
        (Leg("staging", Outcome.UNDER_WAY), "⏳ staging"),
        (Leg("staging", Outcome.HEALTHY, promotion="p"), "✅ <https://slack/p|staging>"),
        (Leg("staging", Outcome.NEVER_RAN), "❌ staging"),
        (Leg("staging", refused="Bo rejected it."), "🚫 staging"),
        (Leg("staging", later=Later("b1b2b3b4", Outcome.HEALTHY)), "✅ staging (in b1b2b3b)"),
        (Leg("staging", Outcome.FAILED, later=Later("b1b2b3b4", Outcome.UNDER_WAY)), "⏳ staging (in b1b2b3b)"),
        (Leg("staging", waits=Stage.APPROVAL, later=Later("b1b2b3b4", Outcome.FAILED)), "⏳ staging (approval)"),
    ],
)
def test_what_has_become_of_it_in_an_environment(leg: Leg, words: str) -> None:
    assert shown(legs=(LEGS[0], leg, LEGS[2]), p="https://slack/p").endswith(
        f" · – development · {words} · – production"
    )


def test_a_failure_says_what_why_and_mentions_the_author() -> None:
    one = JourneyFailure("run:x", "The build my-app-x7k2p failed", "run-tests failed: exit code 1")
    message = failure(one, "U0ANA", "Ana Ng")
    assert message.text == "❌ The build my-app-x7k2p failed · <@U0ANA>"
    assert "run-tests failed: exit code 1" in str(message.blocks)
    assert failure(one, "", "Ana Ng").text == "❌ The build my-app-x7k2p failed · Ana Ng"


def test_the_reasons_of_failures_are_whole_sentences() -> None:
    build = replace(BUILD, status=RunStatus.FAILED, reason="no", scan=ImageScanned(DIGEST, ScanStatus.ERROR))
    legs = (
        Leg("development", Outcome.FAILED, "it crashes", "a" * 40),
        Leg("staging", Outcome.NEVER_RAN, "another image", "b" * 40),
        Leg("production", promotion="p-1", refused="Bo rejected it."),
    )
    assert [one.what for one in Journey(build, legs, LAST).failures] == [
        "The build my-app-x7k2p failed",
        "The scan failed",
        "It failed in development",
        "It does not run in staging",
        "Its promotion to production ended",
    ]


def test_a_commit_without_a_pipeline_run_says_so() -> None:
    waiting = replace(BUILD, run="", status=RunStatus.PENDING, push=PUSH)
    assert shown(waiting) == (
        "*my-app* <https://x/c|c0ffee0> Make it faster: – no pipeline run yet · – not scanned yet · – development · "
        "– staging · – production"
    )


def test_what_a_later_commit_contains_and_what_is_told_no_further_say_so() -> None:
    legs = (LEGS[0], Leg("staging", later=Later("b1b2b3b4", Outcome.HEALTHY, "https://x/b")), LEGS[2])
    below = str(journey(Journey(BUILD, legs, LAST), {}, AT).blocks[-1])
    assert "Superseded by <https://x/b|b1b2b3b>, which contains it." in below
    assert "🛑 Not updated after <!date^" in below
    assert "it did not reach production within 30 days." in below


def test_of_many_environments_that_it_did_not_reach_the_first_are_named() -> None:
    legs = tuple(Leg(f"region-{number}") for number in range(120))
    one = journey(Journey(BUILD, legs, tuple(leg.environment for leg in legs)), {}, AT)
    assert "it did not reach region-0, region-1, region-2 and 117 more within 30 days." in str(one.blocks[-1])
    accept(one)
