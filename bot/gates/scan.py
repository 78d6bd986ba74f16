"""Scan: are the image's known vulnerabilities below the threshold? "Not scanned" is never a pass."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, Self

from pydantic import Field, field_validator

from bot.domain.errors import IntegrationError
from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Move, Verdict
from bot.domain.scan import Scan, ScanStatus, Severity, Vulnerability
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst_image
from bot.policy.duration import Duration
from bot.ports import Pulls, Registry
from bot.runtime.beside import asked_beside
from bot.runtime.one_round import once

Known = Sequence[Vulnerability] | None
"""None where there is no report"""

AGAIN = timedelta(seconds=5)
AWAY = timedelta(seconds=30)
CONTINUES = "It continues automatically."


class Allowed(Options):
    """A vulnerability that does not count for a while."""

    id: str = Field(min_length=1, description="Its name (CVE-…).")
    until: date = Field(description="The last day on which it does not count (UTC).")
    reason: str = Field(min_length=1, description="Why.")


class ScanOptions(Options):
    threshold: Severity = Field(Severity.CRITICAL, description="The lowest severity that blocks.")
    fixable_only: bool = Field(False, description="Whether only vulnerabilities with a fix block.")
    max_age: Duration | None = Field(None, description="How old a report may be; an older one is requested again.")
    start: bool = Field(True, description="Whether to start a scan if there is none.")
    allow: tuple[Allowed, ...] = Field((), description="Vulnerabilities to ignore, each until a day.")

    @field_validator("threshold", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.capitalize() if isinstance(value, str) else value

    def ask_no_more_than(self, before: Self) -> bool:
        youngest = timedelta.max if self.max_age is None else self.max_age
        return (
            self.threshold.rank >= before.threshold.rank
            and self.fixable_only >= before.fixable_only
            and youngest >= (timedelta.max if before.max_age is None else before.max_age)
            and all(any(a.id == b.id and a.until >= b.until for a in self.allow) for b in before.allow)
        )

    def allowed(self, now: datetime) -> frozenset[str]:
        today = now.astimezone(UTC).date()
        return frozenset(each.id for each in self.allow if today <= each.until)

    def counts(self, found: Vulnerability, allowed: frozenset[str]) -> bool:
        if found.severity.rank < self.threshold.rank or found.id in allowed:
            return False
        return found.fixable or not self.fixable_only


class ScanGate:
    """Are the image's known vulnerabilities below the threshold, and will the registry let it be pulled?

    An image without a scan never passes, nor does one whose scan failed, is incomplete or too old. If there is no scan,
    the gate starts one, except in a dry run. Vulnerabilities on the registry's own allowlist, or under `allow` in the
    policy until their day, do not count. The gate also checks the project's own rules for pulls. The answer says what
    the image fixes and what it adds, compared with what runs now.
    """

    name: ClassVar[str] = "scan"
    options: ClassVar[type[Options]] = ScanOptions

    def __init__(self, registry: Registry, pulls: Pulls | None = None) -> None:
        self._registry = registry
        self._pulls = pulls

    async def ask(self, question: Question) -> Verdict:
        options = ScanOptions.model_validate(question.options)
        verdicts = await asyncio.gather(*(self._verdict(move, options, question) for move in question.moves))
        return worst_image(list(verdicts), question.moves)

    async def _verdict(self, move: Move, options: ScanOptions, question: Question) -> Verdict:
        async with asked_beside(self._known(move.before, move.after)) as known:
            return await self._judged(move, known, options, question)

    async def _judged(self, move: Move, known: Awaitable[Known], options: ScanOptions, question: Question) -> Verdict:
        image = move.after
        scan = await self._registry.scan(image)
        if scan.status is ScanStatus.SUCCESS:
            if options.max_age is not None and scan.finished_at is None:
                undated = "The registry does not say when the scan ended, and policy asks how old it is."
                return Verdict.blocked(undated, f"Scan it again: {_rescan(question.app, image)}.")
            if options.max_age and scan.finished_at and question.now - scan.finished_at > options.max_age:
                return await self._scan_first(image, options, question, "The scan is too old.")
            return await self._judge(move, scan, known, options, question.now)
        if scan.status is ScanStatus.NOT_SCANNED:
            return await self._scan_first(image, options, question, "The image is not scanned.")
        return _undecided(scan) or Verdict.blocked(_unusable(scan), f"Scan it again: {_rescan(question.app, image)}.")

    async def _scan_first(self, image: Image, options: ScanOptions, question: Question, reason: str) -> Verdict:
        if not options.start:
            return Verdict.blocked(reason, f"Scan it: {_rescan(question.app, image)}.")
        if question.dry_run:
            return Verdict.waiting(f"{reason} The promotion itself starts a scan.", retry_after=AGAIN)
        await self._registry.start_scan(image)
        return Verdict.waiting(f"{reason} Pilothouse has started a scan.", CONTINUES, retry_after=AGAIN)

    async def _judge(
        self, move: Move, scan: Scan, known: Awaitable[Known], options: ScanOptions, now: datetime
    ) -> Verdict:
        # The overview counts what the project's allowlist forgives (H12): the list itself decides, if it is whole.
        async with asked_beside(self._refusal(move.after)) as refusal:
            found, before = await asyncio.gather(self._registry.vulnerabilities(move.after, scan.total), known)
            allowed = options.allowed(now)
            bad = [each for each in found if options.counts(each, allowed)]
            change = "" if before is None else difference(before, found)
            if bad:
                return Verdict.blocked(_told(bad, change), _remedy(bad))
            refused = await refusal
        if refused:
            return Verdict.blocked(
                f"The registry refuses the pull of {move.after.label}: {refused.rstrip('.')}.",
                "Meet the rules of its project, or ask the project's administrator to change them.",
            )
        told = summary(scan.counts)
        forgiven = "" if not scan.at_or_above(options.threshold) else ", none of them counts under policy"
        return Verdict.passed(f"{told}{forgiven}{change and f'; {change}'}", fingerprint=told)

    async def _refusal(self, image: Image) -> str:
        return await self._pulls.refusal(image) if self._pulls else ""

    async def _known(self, before: OverlayImage, after: Image) -> Known:
        """What is known of the image that runs now, to compare with."""
        reference = before.digest or before.tag
        if not reference or before.repository != after.repository:
            return None
        key = ("artifact", before.repository, reference)
        try:
            running = await once(key, lambda: self._registry.artifact(before.repository, reference))
            return await self._registry.vulnerabilities(running.image)
        except IntegrationError:
            return None  # the comparison is a help, not a rule


def _undecided(scan: Scan) -> Verdict | None:
    """Waiting, while there is something to wait for."""
    if scan.status in (ScanStatus.PENDING, ScanStatus.RUNNING):
        done = f" ({scan.progress} %)" if scan.progress else ""
        return Verdict.waiting(f"The scan is running{done}.", CONTINUES, retry_after=AGAIN)
    if scan.status is ScanStatus.SCANNER_AWAY:
        remedy = "It continues automatically when the scanner is back; the last report is still in the registry."
        return Verdict.waiting("The registry's scanner does not answer.", remedy, retry_after=AWAY)
    return None


def _unusable(scan: Scan) -> str:
    if scan.status is ScanStatus.INCOMPLETE:
        return f"The scan is incomplete{': ' if scan.missing else ''}{', '.join(scan.missing)}."
    return f"The scan {'was stopped' if scan.status is ScanStatus.STOPPED else 'failed'}."


def difference(before: Sequence[Vulnerability], after: Sequence[Vulnerability]) -> str:
    """What changes for the better and for the worse, by vulnerability and package; "" when nothing does."""
    was, now = ({(v.id, v.package): v for v in found} for found in (before, after))
    fixed, added = was.keys() - now.keys(), now.keys() - was.keys()
    parts = [f"fixes {len(fixed)}"] if fixed else []
    if added:
        parts.append(f"adds {summary(Counter(now[key].severity for key in added))}")
    return ", ".join(parts)


def summary(counts: Mapping[Severity, int]) -> str:
    """ "1 critical, 4 medium", worst first."""
    told = [f"{counts[s]} {s.value.lower()}" for s in sorted(Severity, key=lambda s: -s.rank) if counts.get(s)]
    return ", ".join(told) or "No known vulnerabilities"


def _rescan(app: str, image: Image) -> str:
    return f"`/scan {app}@{image.tag or image.digest} --rescan`"


def _told(bad: list[Vulnerability], change: str) -> str:
    counts = Counter(v.severity for v in bad)
    names = ", ".join(v.id for v in sorted(bad, key=lambda v: -v.severity.rank)[:3])
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    return f"{summary(dict(counts)).capitalize()}: {names}{more}{change and f' ({change})'}."


def _remedy(bad: list[Vulnerability]) -> str:
    fixable = [v for v in bad if v.fixable]
    if not fixable:
        return "No fix is known yet: allow it in Harbor or in policy until a day, or wait for one."
    first = fixable[0]
    fix = f"{first.package} {first.version} → {first.fix_version}"
    if len(bad) == 1:
        return f"Rebuild the image: there is a fix ({fix})."
    return f"Rebuild the image: {len(fixable)} of {len(bad)} have a fix (such as {fix})."
