"""The same digest through every environment, in order."""

from typing import Any

from bot.domain.promotion import Verdict, VerdictState
from bot.gates.order import OrderGate
from tests.unit.bot.gates.town import REPOSITORY, Town, kustomization, overlay


async def ask(town: Town, tag: str, options: dict[str, Any] | None = None, **facts: Any) -> Verdict:
    gate = OrderGate(town.catalog, town.whereabouts, town.safety)
    return await gate.ask(await town.question(tag, options, **facts))


async def test_an_image_that_never_was_in_an_environment_is_sent_there_first() -> None:
    verdict = await ask(Town(), "v1.4.3")
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "v1.4.3 has not been in staging.")
    assert verdict.remedy == "Promote it in order: `/deploy my-app@v1.4.3 staging` first."


async def test_what_runs_there_now_and_what_ran_there_before_has_been_there() -> None:
    town = Town()
    assert (await ask(town, "v1.4.2")).reason == "v1.4.2 has not been in development."
    town.overlays.push({overlay("development"): kustomization("v1.4.2")})
    town.overlays.push({overlay("development"): kustomization("v1.4.3")})
    verdict = await ask(town, "v1.4.2")
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "Came through development and staging")


async def test_what_a_promotion_saw_healthy_there_has_been_there() -> None:
    town = Town()
    digest = (await town.image("v1.4.2")).digest
    town.safety.past = {("my-app", "development", digest)}
    assert (await ask(town, "v1.4.2")).state is VerdictState.PASSED


async def test_a_tag_that_was_moved_is_another_image() -> None:
    town = Town()
    town.safety.past = {("my-app", "development", (await town.image("v1.4.2")).digest)}
    question = await town.question("v1.4.2")
    town.registry.push(REPOSITORY, "v1.4.2", revision="moved")
    gate = OrderGate(town.catalog, town.whereabouts, town.safety)
    assert (await gate.ask(question)).reason == "v1.4.2 has not been in staging."


async def test_a_hotfix_needs_both_the_policy_and_a_reason() -> None:
    allowed = {"allow_hotfix": True}
    assert (await ask(Town(), "v1.4.0", reason="INC-7")).state is VerdictState.BLOCKED
    without = await ask(Town(), "v1.4.0", allowed)
    assert without.state is VerdictState.BLOCKED
    assert "--reason" in without.remedy
    verdict = await ask(Town(), "v1.4.0", allowed, reason="INC-7")
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "hotfix: INC-7")


async def test_a_reason_makes_no_hotfix_of_what_came_in_order() -> None:
    verdict = await ask(Town(), "v1.4.2", {"allow_hotfix": True, "environments": ["stg"]}, reason="because")
    assert verdict.reason == "Came through staging"


async def test_the_first_environment_has_none_before_it() -> None:
    assert (await ask(Town(), "v1.4.0", environment="development", source="")).state is VerdictState.PASSED


async def test_an_app_need_not_live_everywhere() -> None:
    town = Town()
    del town.overlays._trees[town.overlays.log[-1].sha][overlay("development")]
    assert (await ask(town, "v1.4.2")).state is VerdictState.PASSED
