"""Locked: by whom, since when, why, for how long."""

from datetime import timedelta
from typing import Any

from bot.domain.caller import Person
from bot.domain.promotion import Kind, Verdict, VerdictState
from bot.domain.safety import Lock
from bot.gates.lock import LockGate
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import ANA, BO, NOW, GateHarness, ago


async def ask(lock: Lock | None, options: dict[str, Any] | None = None, *others: Lock, **facts: Any) -> Verdict:
    harness = GateHarness()
    harness.safety.lock, harness.safety.others = lock, others
    return await LockGate(harness.safety).ask(await harness.question(options=options, **facts))


async def test_nobody_holds_it() -> None:
    assert (await ask(None)).state is VerdictState.PASSED
    assert (await ask(Lock("payments", "production", BO, "", NOW))).state is VerdictState.PASSED
    assert (await ask(Lock("my-app", "staging", BO, "", NOW))).state is VerdictState.PASSED


async def test_who_since_when_until_when_and_why() -> None:
    verdict = await ask(Lock("my-app", "production", BO, "a migration", ago(hours=3), NOW + timedelta(hours=2)))
    assert verdict.state is VerdictState.BLOCKED
    assert says(
        verdict.reason,
        "my-app in production",
        "locked by bo",
        "3 hours",
        "Mon 5 Jan 09:00 UTC",
        "Mon 5 Jan 14:00 UTC",
        "a migration",
    )
    assert says(verdict.remedy, "bo", "`/unlock my-app production`")


async def test_a_lock_of_the_environment_holds_every_app() -> None:
    verdict = await ask(Lock("", "production", BO, "audit", ago(minutes=5)))
    assert says(verdict.reason, "production", "locked by bo", "5 minutes", "Mon 5 Jan 11:55 UTC", "audit")
    assert "`/unlock production`" in verdict.remedy


async def test_a_rollback_passes_the_lock_of_a_rollback_and_no_other() -> None:
    automatic = Lock("my-app", "production", Person("", "Pilothouse"), "rolled back", ago(hours=1), automatic=True)
    assert (await ask(automatic)).state is VerdictState.BLOCKED
    assert (await ask(automatic, kind=Kind.ROLLBACK)).state is VerdictState.PASSED
    assert (await ask(Lock("my-app", "production", BO, "", NOW), kind=Kind.ROLLBACK)).state is VerdictState.BLOCKED


async def test_the_owner_is_held_too_unless_policy_says_otherwise() -> None:
    mine = Lock("my-app", "production", ANA, "testing", NOW)
    assert (await ask(mine)).state is VerdictState.BLOCKED
    assert (await ask(mine, {"owner_passes": True})).state is VerdictState.PASSED
    assert (await ask(mine, {"owner_passes": True}, requester=BO)).state is VerdictState.BLOCKED


async def test_ones_own_lock_opens_no_other_one() -> None:
    """Whoever may lock could pass a lock of the whole environment by locking the app themselves."""
    mine = Lock("my-app", "production", ANA, "mine", NOW)
    everything = Lock("", "production", BO, "an audit", ago(minutes=5))
    for first, second in ((mine, everything), (everything, mine)):
        verdict = await ask(first, {"owner_passes": True}, second)
        assert verdict.state is VerdictState.BLOCKED
        assert says(verdict.reason, "All of production", "locked by bo", "an audit")
        assert "locked by ana" not in verdict.reason
    automatic = Lock("my-app", "production", Person("", "Pilothouse"), "rolled back", NOW, automatic=True)
    assert (await ask(automatic, {}, everything, kind=Kind.ROLLBACK)).state is VerdictState.BLOCKED
    assert (await ask(mine, {"owner_passes": True}, automatic)).state is VerdictState.BLOCKED


async def test_of_two_locks_both_are_told() -> None:
    mine = Lock("my-app", "production", ANA, "mine", NOW)
    verdict = await ask(mine, {}, Lock("", "production", BO, "an audit", ago(minutes=5)))
    assert says(verdict.reason, "locked by ana", "locked by bo")
    assert says(verdict.remedy, "`/unlock my-app production`", "`/unlock production`")
