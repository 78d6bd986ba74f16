"""The team's own endpoints: all must say yes, and silence is no yes."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.domain.errors import Refused
from bot.domain.promotion import Verdict, VerdictState
from bot.gates.custom import CustomGate, CustomOptions, facts
from bot.ports import CustomQuestion
from tests.fakes.customgates import MemoryCustomGates
from tests.unit.bot.gates.gate_harness import GateHarness

CHANGES, LOAD = "https://changes.example.com/ask", "https://load.example.com/ask"


async def ask(gates: MemoryCustomGates, *endpoints: dict[str, str]) -> Verdict:
    return await CustomGate(gates).ask(await GateHarness().question(options={"endpoints": list(endpoints)}))


def says(passes: bool, reason: str = "") -> MemoryCustomGates:
    return MemoryCustomGates({CHANGES: lambda _: (passes, reason), LOAD: lambda _: (True, "quiet")})


async def test_every_endpoint_must_say_yes() -> None:
    both = {"name": "changes", "url": CHANGES}, {"name": "load", "url": LOAD}
    verdict = await ask(says(True, "CHG-1 is approved."), *both)
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "changes: CHG-1 is approved; load: quiet")
    verdict = await ask(says(False, "no change ticket"), *both)
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "changes says no: no change ticket.")
    assert verdict.remedy == "Ask the owners of changes."


async def test_silence_is_waited_out_and_nonsense_is_a_no() -> None:
    silent = await ask(MemoryCustomGates(), {"name": "changes", "url": CHANGES})
    assert (silent.state, silent.reason) == (VerdictState.WAITING, "changes does not answer.")

    def nonsense(_: CustomQuestion) -> tuple[bool, str]:
        raise Refused("custom gate", "ask", "the answer is no JSON")

    verdict = await ask(MemoryCustomGates({CHANGES: nonsense}), {"name": "changes", "url": CHANGES})
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "changes gives no answer that counts.")
    assert "the answer is no JSON" in verdict.remedy


async def test_it_is_told_the_facts_and_signs_with_the_mounted_secret(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    gates = says(True)
    await ask(gates, {"name": "changes", "url": CHANGES, "secret_file": str(secret), "timeout": "3s"})
    (question,) = gates.asked
    assert (question.secret, question.timeout.total_seconds()) == ("hush", 3)
    assert question.body["app"] == "my-app"
    assert question.body["environment"] == "production"
    assert question.body["requester"]["id"] == "U0ANA"
    (image,) = question.body["images"]
    assert image["digest"] == (await GateHarness().image("v1.4.2")).digest
    assert image["before"] == "v1.4.1"


async def test_a_secret_that_is_not_there_asks_nobody(tmp_path: Path) -> None:
    gates = says(True)
    verdict = await ask(gates, {"name": "changes", "url": CHANGES, "secret_file": str(tmp_path / "none")})
    assert verdict.state is VerdictState.BLOCKED
    assert gates.asked == []


@pytest.mark.parametrize(
    "options",
    [{}, {"endpoints": []}, {"endpoints": [{"name": "x", "url": "file:///etc"}]},
     {"endpoints": [{"name": "x", "url": CHANGES, "timeout": "2m"}]}],
)  # fmt: skip
def test_a_policy_without_a_usable_endpoint_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CustomOptions.model_validate(options)


async def test_an_app_that_skips_an_environment_is_told_of_with_where_its_own_image_comes_from() -> None:
    question = await GateHarness().question()
    move = replace(question.moves[0], origin="development")
    assert facts(replace(question, moves=(move,)))["source"] == "development"
    assert facts(question)["source"] == "staging"
