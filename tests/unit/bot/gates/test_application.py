"""Whether Argo CD's Application follows the overlay that the promotion changes."""

from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.promotion import Verdict, VerdictState
from bot.domain.source import Source
from bot.evaluation.evaluator import answer
from bot.gates.application import ApplicationGate
from tests.fakes.applications import OVERLAY_BRANCH, OVERLAY_REPOSITORY
from tests.unit.bot.gates.gate_harness import REPOSITORY, GateHarness

DIRECTORY = "apps/my-app/overlays/production"


async def ask(harness: GateHarness) -> Verdict:
    return await answer(
        ApplicationGate(harness.applications, OVERLAY_BRANCH, harness.overlays), await harness.question()
    )


def followed(**what: Any) -> GateHarness:
    harness = GateHarness()
    source = Source(**{"repository": OVERLAY_REPOSITORY, "path": DIRECTORY, "revision": "main", **what})
    harness.put("production", sources=(source,))
    return harness


async def test_the_overlay_is_followed() -> None:
    assert (await ask(GateHarness())).state is VerdictState.PASSED
    assert (await ask(followed(repository="git@git.example.com:overlays"))).state is VerdictState.PASSED


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"path": "apps/other"}, f"my-app-production follows the path apps/other, not {DIRECTORY}: the commit would"),
        ({"revision": "v1.4.1"}, "my-app-production follows v1.4.1, not the branch main"),
        ({"revision": "d" * 40}, "my-app-production is pinned to the commit ddddddd"),
        ({"chart": "web"}, "my-app-production installs the chart web"),
        ({"repository": "https://git.example.com/old.git"}, "follows another repository"),
        ({"images": (f"{REPOSITORY}:v9",)}, f"overrides the image of the overlay itself ({REPOSITORY})"),
    ],
)
async def test_what_follows_something_else_blocks_with_the_remedy(what: dict[str, Any], says: str) -> None:
    verdict = await ask(followed(**what))
    assert verdict.state is VerdictState.BLOCKED
    assert says in verdict.reason
    assert verdict.remedy.startswith(f"Point it at {DIRECTORY} on main in Argo CD.")
    assert ("PILOTHOUSE_GIT__ALIASES" in verdict.remedy) == ("repository" in what)


@pytest.mark.parametrize("revision", ["", "HEAD"])
@pytest.mark.parametrize(
    ("default", "state", "says"),
    [
        ("main", VerdictState.PASSED, ""),
        ("develop", VerdictState.BLOCKED, "follows HEAD, which is develop, not main"),
        ("", VerdictState.BLOCKED, "follows HEAD, which is a branch that the remote does not name, not main"),
    ],
)
async def test_head_is_what_the_remote_says_that_it_is(
    revision: str, default: str, state: VerdictState, says: str
) -> None:
    harness = followed(revision=revision)
    harness.overlays.default = default
    verdict = await ask(harness)
    assert verdict.state is state
    assert says in verdict.reason


async def test_a_remote_that_does_not_say_what_head_is_is_no_pass() -> None:
    harness = followed(revision="HEAD")
    question = await harness.question()
    harness.overlays.failing = Unavailable("git", "ask for the default branch", "no connection")
    verdict = await answer(ApplicationGate(harness.applications, OVERLAY_BRANCH, harness.overlays), question)
    assert verdict.state is VerdictState.WAITING


async def test_who_does_not_follow_head_costs_no_question_to_the_remote() -> None:
    harness = followed()
    question = await harness.question()
    harness.overlays.failing = Unavailable("git", "ask for the default branch", "no connection")
    verdict = await answer(ApplicationGate(harness.applications, OVERLAY_BRANCH, harness.overlays), question)
    assert verdict.state is VerdictState.PASSED


async def test_the_application_of_where_it_comes_from_is_not_asked() -> None:
    harness = GateHarness()
    harness.put("staging", sources=(Source("https://elsewhere.example.com/x", "y"),))
    assert (await ask(harness)).state is VerdictState.PASSED


async def test_an_application_that_is_not_there_blocks() -> None:
    harness = GateHarness()
    harness.applications.remove("my-app-production")
    verdict = await ask(harness)
    assert (verdict.state, "no Application my-app-production" in verdict.reason) == (VerdictState.BLOCKED, True)


async def test_an_argo_cd_that_does_not_answer_is_no_pass() -> None:
    harness = GateHarness()
    harness.applications.failing = Unavailable("Argo CD", "read", "no connection")
    assert (await ask(harness)).state is VerdictState.WAITING
    harness.applications.failing = Refused("Argo CD", "read", "403")
    assert (await ask(harness)).state is VerdictState.BLOCKED
