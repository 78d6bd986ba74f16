"""Several verdicts as one: everything that is said by those who decide it."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.image import Image
from bot.domain.promotion import Verdict, VerdictState
from bot.domain.scan import Severity, Vulnerability
from bot.evaluation.question import Question
from bot.evaluation.verdicts import worst, worst_image
from bot.gates.scan import ScanGate
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import REPOSITORY, GateHarness

UNSIGNED = Verdict.blocked("v1 is unsigned.", "Sign it.")
STRANGE = Verdict.blocked("v1 is signed with another key.", "Sign it with a key that is trusted.")
BUSY = Verdict.waiting("The scan is running.", "It continues automatically.", retry_after=timedelta(seconds=15))
SOON = Verdict.waiting("The scan is running (9 %).", "It continues automatically.", retry_after=timedelta(seconds=5))


def test_one_verdict_is_told_as_it_is() -> None:
    for verdict in (UNSIGNED, BUSY, Verdict.passed("Signed with ci", fingerprint="ci", link="https://ci")):
        assert worst([verdict], ["web"]) == verdict


def test_every_reason_and_remedy_is_told_with_the_image_that_it_is_about() -> None:
    told = worst([UNSIGNED, STRANGE, BUSY], ["web", "api", "db"])
    assert told == Verdict.blocked(
        "web: v1 is unsigned. api: v1 is signed with another key.",
        "web: Sign it. api: Sign it with a key that is trusted.",
    )


def test_what_all_images_say_is_said_once_and_without_names() -> None:
    assert worst([UNSIGNED, UNSIGNED], ["web", "api"]) == UNSIGNED


def test_images_that_say_the_same_are_named_together() -> None:
    told = worst([UNSIGNED, STRANGE, UNSIGNED], ["web", "api", "db"])
    assert says(told.reason, "web, db: v1 is unsigned.", "api: v1 is signed with")


def test_the_only_image_that_fails_is_named() -> None:
    told = worst([Verdict.passed("Signed with ci"), UNSIGNED], ["web", "api"])
    assert (told.reason, told.remedy) == ("api: v1 is unsigned.", "Sign it.")


def test_the_one_that_asks_soonest_says_when_to_ask_again() -> None:
    told = worst([BUSY, SOON], ["web", "api"])
    assert told.retry_after == timedelta(seconds=5)
    assert says(told.reason, "web: ", "running", "api: ", "running (9 %)")
    assert told.remedy == "It continues automatically."


def test_passes_are_told_each_and_what_approvers_rely_on_stays_as_it_was() -> None:
    told = worst([Verdict.passed("1 high", fingerprint="1 high"), Verdict.passed("2 low", fingerprint="2 low")], "ab")
    assert told == Verdict.passed("a: 1 high · b: 2 low", fingerprint="1 high | 2 low")
    assert worst([Verdict.passed("Not rejected")] * 2, "ab") == Verdict.passed("Not rejected")


def test_without_names_the_sentences_stand_alone() -> None:
    assert says(worst([UNSIGNED, STRANGE]).reason, "v1 is unsigned.", "v1 is signed with")


async def two_images(harness: GateHarness, repository: str) -> Question:
    question = await harness.question()
    api = harness.registry.push(repository, "v1.4.2").image
    [move] = question.moves
    return replace(question, moves=(move, replace(move, after=api)))


async def test_a_gate_tells_what_is_wrong_with_each_image() -> None:
    harness = GateHarness()
    question = await two_images(harness, f"{REPOSITORY}-api")
    for move, cve in zip(question.moves, ("CVE-1", "CVE-2"), strict=True):
        harness.registry.finish_scan(move.after, Vulnerability(cve, "zlib", "1.2", Severity.CRITICAL))
    verdict = await ScanGate(harness.registry).ask(question)
    assert verdict.state is VerdictState.BLOCKED
    assert verdict.reason == "my-app: 1 critical: CVE-1. my-app-api: 1 critical: CVE-2."
    assert says(verdict.remedy, "No fix", "Harbor", "policy")


async def test_names_that_are_the_same_in_two_projects_are_told_in_full() -> None:
    other = REPOSITORY.replace("/apps/", "/legacy/")
    question = await two_images(GateHarness(), other)
    told = worst_image([UNSIGNED, STRANGE], question.moves)
    assert told.reason.startswith(f"{REPOSITORY}: v1 is unsigned. {other}: ")


async def test_an_image_that_is_named_twice_has_one_name() -> None:
    [move] = (await GateHarness().question()).moves
    twice = replace(move, after=Image(REPOSITORY, move.after.digest, "again"))
    assert worst_image([UNSIGNED, BUSY], [move, twice]).reason == "my-app: v1 is unsigned."
