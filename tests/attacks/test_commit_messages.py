"""Commit messages and pull requests: what people type, and what tags are called, makes nothing happen."""

import subprocess
from dataclasses import replace

import pytest

from bot.domain.caller import Person
from bot.domain.promotion import Approval, Promotion
from bot.promotions.commit_message import LONGEST, headline, inert, message
from bot.views import pull_request_body
from tests.views.samples import AT, promotion

NASTY = [
    "fixes #12",
    "Closes: acme/deploy#7",
    "resolves GH-3",
    "fix https://github.com/acme/deploy/issues/9",
    "ask @platform-team",
    "(@everybody)",
    "[skip ci] please",
    "[ci skip]",
    "x\n\nCo-authored-by: Eve <eve@example.com>",
    "x\r\nApproved-By: Eve <eve@example.com> (U0EVE)",
    "x\u2028Promotion-Id: p-other",
    "x\x0b\x0cPromotion-Id: p-other",
    "x\x85Promotion-Id: p-other",
    "Signed-off-by: Eve <eve@example.com>",
    "Promotion-Id: p-other",
    "x\0hidden",
    "\u202egnp.exe",
    "---\ndiff --git a/x b/x",
    "word " * 400,
]
PLACES = ["reason", "requester", "approver", "delegate", "tag", "old tag", "app", "source"]


def with_words(place: str, words: str) -> Promotion:
    base = promotion()
    plan = base.plan
    move = plan.moves[0]
    match place:
        case "reason":
            plan = replace(plan, reason=words, break_glass=True)
        case "requester":
            plan = replace(plan, requester=Person("U0EVE", words, "eve@example.com"))
        case "tag":
            plan = replace(plan, moves=(replace(move, after=replace(move.after, tag=words)),))
        case "old tag":
            plan = replace(plan, moves=(replace(move, before=replace(move.before, tag=words)),))
        case "app":
            plan = replace(plan, moves=(replace(move, app=words),))
        case "source":
            plan = replace(plan, source=words)
    person = Person("U0X", words if place == "approver" else "x", "x@example.com")
    behalf = (Person("U0Y", words),) if place == "delegate" else ()
    return replace(base, plan=plan, approvals=(Approval(person, "hash", AT, behalf=behalf),))


def trailers(text: str) -> list[str]:
    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=text.encode(), capture_output=True, check=True
    )
    return [line.partition(": ")[0] for line in parsed.stdout.decode().splitlines()]


@pytest.mark.parametrize("words", NASTY, ids=[f"{number}" for number in range(len(NASTY))])
@pytest.mark.parametrize("place", PLACES)
def test_words_stay_words(place: str, words: str) -> None:
    plain = message(with_words(place, "plain"))
    nasty = message(with_words(place, words))
    assert nasty.count("\n") == plain.count("\n")
    assert trailers(nasty) == trailers(plain)
    assert nasty.splitlines() == nasty.removesuffix("\n").split("\n")
    for active in ("#1", "#7", "GH-3", "issues/9", " @p", "(@e", "[skip", "[ci", "\0", "\u202e"):
        assert active not in nasty
    assert "\n" not in headline(with_words(place, words))
    assert max(map(len, nasty.splitlines())) < 2 * LONGEST + 100


@pytest.mark.parametrize("words", NASTY, ids=[f"{number}" for number in range(len(NASTY))])
def test_the_body_of_a_pull_request_calls_nobody_and_closes_nothing(words: str) -> None:
    body = pull_request_body(with_words("reason", words))
    for active in (
        "#1",
        "#7",
        "GH-3",
        "fix https",
        "@platform",
        "@everybody",
        "\0",
        "\u202e",
        "\nPromotion-Id: p-other",
    ):
        assert active not in body


@pytest.mark.parametrize(
    "words", ["v1.4.2", "hotfix, see INC-4711", "mia@example.com asked", "C# and F#", "50% (of 2)"]
)
def test_what_is_harmless_is_left_as_it_is(words: str) -> None:
    assert inert(words) == words
