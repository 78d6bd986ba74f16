"""Scan: are the image's known vulnerabilities below the threshold? "Not scanned" is never a pass."""

from collections import Counter
from datetime import timedelta
from typing import ClassVar

from pydantic import Field, field_validator

from bot.domain.image import Image
from bot.domain.promotion import Verdict, VerdictState
from bot.domain.scan import Scan, ScanStatus, Severity, Vulnerability
from bot.gates.question import Options, Question
from bot.policy.duration import Duration
from bot.ports import Registry

AGAIN = timedelta(seconds=5)


class ScanOptions(Options):
    threshold: Severity = Field(Severity.CRITICAL, description="The lowest severity that blocks.")
    fixable_only: bool = Field(False, description="Whether only vulnerabilities with a fix block.")
    max_age: Duration | None = Field(None, description="A report older than this is asked for anew.")
    start: bool = Field(True, description="Whether to start the scan of an image that has none.")

    @field_validator("threshold", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.capitalize() if isinstance(value, str) else value


class ScanGate:
    name: ClassVar[str] = "scan"
    options: ClassVar[type[Options]] = ScanOptions

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def ask(self, question: Question) -> Verdict:
        options = ScanOptions.model_validate(question.options)
        verdicts = [await self._verdict(move.after, options, question) for move in question.moves]
        return worst(verdicts)

    async def _verdict(self, image: Image, options: ScanOptions, question: Question) -> Verdict:
        scan = await self._registry.scan(image)
        if scan.status is ScanStatus.SUCCESS:
            old = options.max_age and scan.finished_at and question.now - scan.finished_at > options.max_age
            if not old:
                return await self._judge(image, scan, options)
            return await self._scan_first(image, options, "The scan is too old.")
        if scan.status is ScanStatus.NOT_SCANNED:
            return await self._scan_first(image, options, "The image is not scanned.")
        if scan.status in (ScanStatus.PENDING, ScanStatus.RUNNING):
            done = f" ({scan.progress} %)" if scan.progress else ""
            return Verdict.waiting(f"The scan is running{done}.", "It goes on by itself.", retry_after=AGAIN)
        verb = "failed" if scan.status is ScanStatus.ERROR else "was stopped"
        return Verdict.blocked(f"The scan {verb}.", f"Scan it again: `/scan {question.app} @{image.label} --rescan`.")

    async def _scan_first(self, image: Image, options: ScanOptions, reason: str) -> Verdict:
        if not options.start:
            return Verdict.blocked(reason, "Scan it: `/scan APP --rescan`.")
        await self._registry.start_scan(image)
        return Verdict.waiting(f"{reason} A scan has been started.", "It goes on by itself.", retry_after=AGAIN)

    async def _judge(self, image: Image, scan: Scan, options: ScanOptions) -> Verdict:
        if not scan.at_or_above(options.threshold):
            return Verdict.passed(summary(scan.counts))
        # The overview counts what the project's allowlist forgives (H12): the list itself decides.
        found = await self._registry.vulnerabilities(image)
        bad = [
            v for v in found if v.severity.rank >= options.threshold.rank and (v.fixable or not options.fixable_only)
        ]
        if not bad:
            return Verdict.passed(f"{summary(scan.counts)}, none of them counts under policy")
        return Verdict.blocked(_told(bad), _remedy(bad))


def worst(verdicts: list[Verdict]) -> Verdict:
    """One answer for several images: the first Blocked, else the first Waiting, else the first."""
    order = [VerdictState.BLOCKED, VerdictState.WAITING, VerdictState.PASSED]
    return min(verdicts, key=lambda verdict: order.index(verdict.state))


def summary(counts: dict[Severity, int]) -> str:
    """ "1 critical, 4 medium", worst first."""
    told = [f"{counts[s]} {s.value.lower()}" for s in sorted(Severity, key=lambda s: -s.rank) if counts.get(s)]
    return ", ".join(told) or "No known vulnerabilities"


def _told(bad: list[Vulnerability]) -> str:
    counts = Counter(v.severity for v in bad)
    names = ", ".join(v.id for v in sorted(bad, key=lambda v: -v.severity.rank)[:3])
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    return f"{summary(dict(counts)).capitalize()}: {names}{more}."


def _remedy(bad: list[Vulnerability]) -> str:
    fixable = [v for v in bad if v.fixable]
    if not fixable:
        return "No fix is known yet: allow it in Harbor with an expiry, or wait for one."
    first = fixable[0]
    fix = f"{first.package} {first.version} → {first.fix_version}"
    return f"Rebuild the image: {len(fixable)} of them can be fixed ({fix})."
