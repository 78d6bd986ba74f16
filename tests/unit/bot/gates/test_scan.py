"""What counts, what is forgiven until when, and what the image changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import Unavailable
from bot.domain.image import Image
from bot.domain.promotion import Verdict, VerdictState
from bot.domain.scan import Severity, Vulnerability
from bot.gates.scan import ScanGate
from tests.fakes.registry import START
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import NOW, GateHarness

OLD = Vulnerability("CVE-1", "openssl", "3.0", Severity.HIGH, "3.1")
NEW = Vulnerability("CVE-2", "curl", "8.0", Severity.HIGH)
WORST = Vulnerability("CVE-3", "zlib", "1.2", Severity.CRITICAL, "1.3")


async def scanned(running: tuple[Vulnerability, ...], coming: tuple[Vulnerability, ...]) -> GateHarness:
    harness = GateHarness()
    harness.registry.finish_scan(await harness.image("v1.4.1"), *running)
    harness.registry.finish_scan(await harness.image("v1.4.2"), *coming)
    return harness


async def ask(harness: GateHarness, **options: object) -> Verdict:
    return await ScanGate(harness.registry).ask(await harness.question(options=options))


async def test_a_pass_says_what_it_fixes_and_adds_against_what_runs_now() -> None:
    harness = await scanned((OLD, WORST), (NEW,))
    verdict = await ask(harness)
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "1 high; fixes 2, adds 1 high")
    assert verdict.fingerprint == "1 high"


async def test_a_refusal_says_it_too() -> None:
    harness = await scanned((OLD,), (WORST,))
    verdict = await ask(harness)
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "1 critical: CVE-3 (fixes 1, adds 1 critical).")
    assert "zlib 1.2 → 1.3" in verdict.remedy


async def test_what_the_registry_will_not_hand_out_is_no_pass() -> None:
    """H30: every gate passed, and the pull was a 412."""
    harness = await scanned((), ())
    harness.registry.refusing = "The image is not signed by cosign."
    verdict = await ScanGate(harness.registry, harness.registry).ask(await harness.question())
    assert verdict.state is VerdictState.BLOCKED
    assert says(verdict.reason, "registry refuses", "v1.4.2", "The image is not signed by cosign.")
    assert "rules of its project" in verdict.remedy
    harness.registry.refusing = ""
    assert (
        await ScanGate(harness.registry, harness.registry).ask(await harness.question())
    ).state is VerdictState.PASSED


async def test_vulnerabilities_block_though_the_registry_does_not_say_whether_it_refuses_the_pull() -> None:
    class SilentPulls:
        async def refusal(self, image: Image) -> str:
            raise Unavailable("Harbor", "pull", str(image))

    gate = ScanGate((harness := await scanned((), (WORST,))).registry, SilentPulls())
    assert (await gate.ask(await harness.question())).state is VerdictState.BLOCKED
    clean = await scanned((), ())
    with pytest.raises(Unavailable):
        await ScanGate(clean.registry, SilentPulls()).ask(await clean.question())


async def test_no_change_and_no_report_of_what_runs_now_say_nothing() -> None:
    assert (await ask(await scanned((OLD,), (OLD,)))).reason == "1 high"
    harness = GateHarness()
    harness.registry.finish_scan(await harness.image("v1.4.2"), OLD)
    assert (await ask(harness)).reason == "1 high"


async def test_an_allowance_holds_through_its_day_and_not_longer() -> None:
    harness = await scanned((), (WORST, NEW))

    def allow(until: object) -> list[dict[str, object]]:
        return [{"id": "CVE-3", "until": until, "reason": "not reachable"}]

    today = NOW.date()
    assert (await ask(harness, allow=allow(today))).state is VerdictState.PASSED
    assert (await ask(harness, allow=allow(today - timedelta(days=1)))).state is VerdictState.BLOCKED
    assert (await ask(harness, allow=allow(str(today)), threshold="high")).reason.startswith("1 high: CVE-2")


async def test_a_report_that_is_too_old_is_asked_for_anew() -> None:
    harness = await scanned((), ())
    assert (await ask(harness, max_age="4h")).state is VerdictState.PASSED
    verdict = await ask(harness, max_age="2h")
    assert verdict.state == VerdictState.WAITING
    assert says(verdict.reason, "too old", "started")


async def test_a_report_without_a_time_is_not_young() -> None:
    """What a registry does not say is no news of safety; and a scan that is started again and again is none either."""
    harness = await scanned((), ())
    for digest, scan in harness.registry._scans.items():
        harness.registry._scans[digest] = replace(scan, finished_at=None)
    assert (await ask(harness)).state is VerdictState.PASSED
    verdict = await ask(harness, max_age="4h")
    assert (verdict.state, says(verdict.reason, "does not say when the scan ended")) == (VerdictState.BLOCKED, True)
    assert harness.registry.scans_started == []
    assert timedelta(hours=3) == NOW - START


async def test_only_what_can_be_fixed_counts_where_policy_says_so() -> None:
    harness = await scanned((), (NEW,))
    assert (await ask(harness, threshold="High")).state is VerdictState.BLOCKED
    verdict = await ask(harness, threshold="High", fixable_only=True)
    assert says(verdict.reason, "1 high", "policy", "adds 1 high")


async def test_a_scan_that_may_not_be_started_names_the_command() -> None:
    verdict = await ask(GateHarness(), start=False)
    assert verdict.state is VerdictState.BLOCKED
    assert verdict.remedy == "Scan it: `/scan my-app@v1.4.2 --rescan`."


async def test_the_comparison_is_never_a_reason_to_wait() -> None:
    harness = await scanned((OLD,), (NEW,))
    question = await harness.question()
    known = harness.registry.artifact

    async def hides_the_old_one(repository: str, reference: str) -> object:
        if reference == "v1.4.1":
            raise Unavailable("Harbor", "read", "down")
        return await known(repository, reference)

    harness.registry.artifact = hides_the_old_one  # type: ignore[method-assign,assignment]
    assert (await ScanGate(harness.registry).ask(question)).reason == "1 high"
