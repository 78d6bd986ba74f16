"""A registry that says "all is well" of a part, or says nothing: neither is ever a pass.

Each line: what Harbor answers → what the scan gate must make of it. Through the real client, so that it is the wire's
own words that are judged (H11, H12, H13, H25, H26).
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import respx

from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Verdict, VerdictState
from bot.evaluation.evaluator import answer
from bot.gates.scan import ScanGate
from bot.settings import HarborSettings
from integrations.harbor import Harbor
from integrations.http import HttpPolicy
from tests.unit.bot.gates.gate_harness import REPOSITORY, GateHarness

API = "https://harbor.example.com/api/v2.0/projects/apps"
MIME = "application/vnd.security.vulnerability.report; version=1.1"
INDEX, AMD64, ARM64, NOTE = (f"sha256:{digit * 64}" for digit in "1234")
BLOCKED, WAITING, PASSED = VerdictState.BLOCKED, VerdictState.WAITING, VerdictState.PASSED

CLEAN = {"total": 0, "fixable": 0, "summary": {}}
CRITICAL = {"id": "CVE-1", "package": "zlib", "version": "1", "fix_version": "", "severity": "Critical"}
LOW = {**CRITICAL, "id": "CVE-2", "severity": "Low"}


def url(digest: str, *tail: str) -> str:
    return "/".join([f"{API}/repositories/my-app/artifacts/{digest.replace(':', '%3A')}", *tail])


def overview(status: str = "Success", **more: Any) -> dict[str, Any]:
    return {MIME: {"scan_status": status, "severity": "", "summary": None, "complete_percent": 0, **more}}


def success(summary: Any = CLEAN, percent: Any = 100) -> dict[str, Any]:
    return overview(summary=summary, complete_percent=percent)


def platform(digest: str, os: str, architecture: str) -> dict[str, Any]:
    return {"child_digest": digest, "platform": {"os": os, "architecture": architecture}}


CHILDREN = [
    platform(AMD64, "linux", "amd64"),
    platform(ARM64, "linux", "arm64"),
    platform(NOTE, "unknown", "unknown"),
]


@pytest.fixture
async def gate() -> AsyncIterator[ScanGate]:
    settings = HarborSettings(url="https://harbor.example.com", username="robot$x", password="s3cret")
    async with Harbor(settings, HttpPolicy(connect=1, read=1, total=2, attempts=1)) as harbor:
        yield ScanGate(harbor)


async def verdict(gate: ScanGate, *, dry_run: bool = False) -> Verdict:
    question = await GateHarness().question()
    image, nothing = Image(REPOSITORY, INDEX, "v1.4.2"), OverlayImage(REPOSITORY, REPOSITORY)
    moves = tuple(replace(move, after=image, before=nothing) for move in question.moves)
    return await answer(gate, replace(question, moves=moves, dry_run=dry_run))


def harbor_says(
    scan_overview: Any, report: Any = None, children: dict[str, Any] | None = None, references: Any = None
) -> respx.Route:
    """The route of a scan's start is answered, too: 202."""
    respx.get(API).respond(json={"name": "apps", "metadata": {}})
    shown = {"digest": INDEX, "type": "IMAGE", "references": references, "scan_overview": scan_overview}
    respx.get(url(INDEX)).respond(json=shown)
    respx.get(url(INDEX, "additions", "vulnerabilities")).respond(json={} if report is None else {MIME: report})
    for digest, found in (children or {}).items():
        respx.get(url(digest)).respond(json={"digest": digest, "type": "IMAGE", "scan_overview": found})
    respx.get(url__startswith=f"{API}/repositories/my-app/artifacts/").respond(
        404, json={"errors": [{"code": "NOT_FOUND"}]}
    )
    return respx.post(url(INDEX, "scan")).respond(202)


@pytest.mark.parametrize(
    ("says", "children", "state", "word"),
    [
        (success(percent=50), {AMD64: success(), ARM64: overview("Error"), NOTE: None}, BLOCKED, "linux/arm64 failed"),
        (success(percent=50), {AMD64: overview("Stopped"), ARM64: success(), NOTE: None}, BLOCKED, "linux/amd64 was"),
        (success(percent=50), {AMD64: success(), ARM64: None, NOTE: None}, BLOCKED, "linux/arm64 is not scanned"),
        (success(percent=0), {AMD64: overview("Error"), ARM64: overview("Error"), NOTE: None}, BLOCKED, "amd64 failed"),
        (success(percent=50), {AMD64: success(), ARM64: overview("Pending"), NOTE: None}, WAITING, "running"),
        (success(percent=50), {AMD64: success(), ARM64: overview("Scheduled"), NOTE: None}, WAITING, "running"),
        (success(percent=50), {AMD64: success(), ARM64: overview("Running"), NOTE: None}, WAITING, "running"),
        (success(percent=99), {AMD64: success(), ARM64: success(), NOTE: None}, WAITING, "running"),
        (
            success(percent=50),
            {AMD64: success(), ARM64: success(percent=50), NOTE: None},
            BLOCKED,
            "arm64 is incomplete",
        ),
        (
            success(percent=None),
            {AMD64: success(), ARM64: overview("Error"), NOTE: None},
            BLOCKED,
            "linux/arm64 failed",
        ),
        (success(percent=50), {}, BLOCKED, "incomplete"),
        (success(), {}, PASSED, "No known"),
    ],
)
@respx.mock
async def test_an_index_of_which_a_part_has_no_result(
    says: Any, children: dict[str, Any], state: VerdictState, word: str, gate: ScanGate
) -> None:
    """H25: Harbor says Success as soon as one platform's scan is one; what only attests something does not count."""
    harbor_says(says, {"vulnerabilities": []}, children, CHILDREN)
    found = await verdict(gate)
    assert (found.state, word in found.reason) == (state, True), found.reason


@pytest.mark.parametrize(
    "says",
    [
        overview(complete_percent=100),
        success(summary={}),
        success(summary={"summary": {}}),
        success(summary={"fixable": 0, "summary": {"Low": 1}}),
        success(summary={"total": 3, "fixable": 0, "summary": {"Low": 1}}),
        success(summary={"total": 3, "fixable": 0, "summary": {}}),
        success(summary={"total": 3, "fixable": 0, "summary": None}),
        success(summary={"total": 0, "fixable": 0, "summary": {"Critical": 1}}),
        success(summary={"total": 0, "fixable": 0, "summary": {"Critical": -1, "Low": 1}}),
        success(percent=99),
        success(percent=0),
        success(percent=-1),
    ],
)
@respx.mock
async def test_a_success_without_numbers_that_agree(says: Any, gate: ScanGate) -> None:
    """What is absent is not zero."""
    harbor_says(says, {"vulnerabilities": []})
    assert (await verdict(gate)).state is BLOCKED


@pytest.mark.parametrize(
    ("report", "state"),
    [
        ({"vulnerabilities": []}, WAITING),
        ({"vulnerabilities": None}, WAITING),
        ({"vulnerabilities": [LOW]}, WAITING),
        (None, BLOCKED),
        ({"vulnerabilities": [LOW, CRITICAL]}, BLOCKED),
        ({"vulnerabilities": [LOW, LOW]}, PASSED),
    ],
)
@respx.mock
async def test_a_list_that_is_shorter_than_its_count(report: Any, state: VerdictState, gate: ScanGate) -> None:
    """One of the two is cut off: it is asked for again, and is never a pass."""
    harbor_says(success({"total": 2, "fixable": 0, "summary": {"Low": 1, "Critical": 1}}), report)
    assert (await verdict(gate)).state is state


@respx.mock
async def test_a_list_with_more_than_its_count_is_judged_by_the_list(gate: ScanGate) -> None:
    harbor_says(success(), {"vulnerabilities": [CRITICAL]})
    assert (await verdict(gate)).state is BLOCKED


@pytest.mark.parametrize("absent", [None, {}, {MIME: None}])
@respx.mock
async def test_a_scanner_that_is_away_is_not_a_missing_scan(absent: Any, gate: ScanGate) -> None:
    """H26: no overview, though there is a report. Nothing is started, for that would delete it (H14)."""
    started = harbor_says(absent, {"vulnerabilities": []})
    found = await verdict(gate)
    assert (found.state, "scanner" in found.reason) == (WAITING, True)
    assert not started.called


@respx.mock
async def test_a_scanner_that_is_away_before_the_first_scan(gate: ScanGate) -> None:
    """H26: 400 "does not support scanning" of an image that could well be scanned."""
    words = "the configured scanner Trivy does not support scanning artifact with mime type x"
    harbor_says(None).respond(400, json={"errors": [{"code": "BAD_REQUEST", "message": words}]})
    found = await verdict(gate)
    assert (found.state, "scanner does not answer" in found.reason) == (WAITING, True)


@pytest.mark.parametrize(
    "says", [None, {}, overview("Pending"), overview("Running"), overview("Error"), success(percent=50)]
)
@respx.mock
async def test_somebody_who_only_looks_starts_no_scan(says: Any, gate: ScanGate) -> None:
    """A dry run deletes no report (H14)."""
    started = harbor_says(says)
    assert (await verdict(gate, dry_run=True)).state is not PASSED
    assert not started.called
