"""The journey of a commit: one message, edited as it goes on. All in it comes from outside."""

from collections.abc import Mapping
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.domain import slack_id
from bot.domain.build import Build, ImageScanned
from bot.domain.delivery import Outcome
from bot.domain.duration import lasted
from bot.domain.journey import FOLLOWED, Journey, JourneyFailure, Leg
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Stage
from bot.domain.scan import ScanStatus, Severity
from bot.domain.sentence import shortened
from bot.ports import Rendered
from bot.views.deliveries import ICONS
from bot.views.layout import BLUE, GREEN, RED, context, rendered, section
from bot.views.words import DAY_AND_TIME, bold, code, commits_named, count, link, moment, safe

NO_RUN = "– no pipeline run yet"
GAP = "\u00a0"
"""between a sign and its word, which are not to be parted at the end of a line"""
SUBJECTS = 3
ENVIRONMENTS = 3
SEVERITIES = 3
SEVERE = (Severity.CRITICAL, Severity.HIGH)
BUILT = {
    RunStatus.PENDING: "⏳ building",
    RunStatus.RUNNING: "⏳ building",
    RunStatus.SUCCEEDED: "✅ built",
    RunStatus.FAILED: "❌ build failed",
    RunStatus.CANCELLED: "⏹️ build cancelled",
    RunStatus.DELETED: "– build deleted",
}
SCANNED = {
    ScanStatus.ERROR: "❌ scan failed",
    ScanStatus.STOPPED: "– scan stopped",
    ScanStatus.INCOMPLETE: "⚠️ scan incomplete",
}
SIGNS = {**ICONS, Outcome.UNDER_WAY: "⏳"}
SHORT = 7
WAITS = {Stage.GATES: "gates", Stage.APPROVAL: "approval"}


def journey(journey: Journey, cards: Mapping[str, str], given_up: datetime | None = None) -> Rendered:
    """`cards`: promotion → link to its card. `given_up`: since when it is told no further, though it has not ended."""
    build = journey.build
    steps = [_built(build), _scanned(build), *(_leg(leg, cards.get(leg.promotion, "")) for leg in journey.legs)]
    way = " · ".join(step.replace(" ", GAP, 1) for step in steps)
    title = f"{bold(build.app, 80)} {link(_address(build), build.revision[:SHORT], 40)}{_subject(build)}"
    blocks: list[Block] = [section(title, way)]
    if below := _below(journey, given_up):
        blocks.append(context(*below))
    return rendered(f"{title}: {way}", blocks, _color(journey))


def failure(one: JourneyFailure, user: str, who: str) -> Rendered:
    """The reply in its thread; `user` is the author's id, "" where nobody on Slack is known to be."""
    author = f"<@{user}>" if slack_id.is_user(user) else safe(who, 80) if who else ""
    said = f"❌ {safe(one.what, 200)}{f' · {author}' if author else ''}"
    return rendered(said, [section(said, *([safe(one.why, 1500)] if one.why else []))], RED)


def _built(build: Build) -> str:
    if not build.run:
        return NO_RUN
    took = (
        f" {lasted(build.lasted)}" if build.lasted and build.status in (RunStatus.SUCCEEDED, RunStatus.FAILED) else ""
    )
    return f"{BUILT[build.status]}{took}"


def _scanned(build: Build) -> str:
    scan = build.scan
    if scan is None:
        return "– not scanned yet"
    return SCANNED.get(scan.status) or _found(scan)


def _found(scan: ImageScanned) -> str:
    """The worst first: "scanned 1 medium, 2 low" """
    found = sorted(((one, number) for one, number in scan.counts if number), key=lambda pair: -pair[0].rank)
    words = [f"{number:,} {severity.lower()}" for severity, number in found[:SEVERITIES]]
    icon = "⚠️" if any(severity in SEVERE for severity, _ in found) else "✅"
    return f"{icon} scanned {', '.join(words) or 'without findings'}"


def _leg(leg: Leg, card: str) -> str:
    name = link(card, leg.environment, 60)
    if leg.later and leg.waits is None:
        return f"{SIGNS[leg.later.outcome]} {safe(leg.environment, 60)} (in {safe(leg.later.revision[:SHORT], 20)})"
    if leg.waits is None and leg.refused:
        return f"🚫 {name}"
    if leg.waits is None and leg.outcome is None:
        return f"– {name}"
    commits = count(leg.commits, "commit").replace(" ", GAP) if leg.commits > 0 else ""
    notes = ", ".join(filter(None, (WAITS.get(leg.waits, "") if leg.waits else "", commits)))
    sign = SIGNS[leg.outcome] if leg.outcome and not leg.waits else SIGNS[Outcome.UNDER_WAY]
    return f"{sign} {name}{f' ({notes})' if notes else ''}"


def _subject(build: Build) -> str:
    return f" {safe(build.push.subject, 150)}" if build.push and build.push.subject else ""


def _address(build: Build) -> str:
    return build.push.url if build.push else ""


def _below(journey: Journey, given_up: datetime | None) -> list[str]:
    """Who pushed it, what else came with it, and what keeps it; what has overtaken it, and whether it is still told."""
    build, parts = journey.build, []
    if build.push:
        if build.push.author.name:
            parts.append(safe(build.push.author.name, 80))
        if build.push.count > 1:
            parts.append(commits_named(build.push.count, build.push.subjects[:SUBJECTS]))
    if build.held and journey.legs and journey.legs[0].outcome is None:
        parts.append(f"⏸️ {safe(journey.legs[0].environment, 60)} is held: {safe(build.held, 300)}")
    if build.run:
        parts.append(f"run {code(build.run, 80)}")
    lines = [" · ".join(parts)] if parts else []
    if later := journey.superseded:
        lines.append(f"Superseded by {link(later.url, later.revision[:SHORT], 40)}, which contains it.")
    if given_up:
        lines.append(_given_up(journey, given_up))
    return lines


def _given_up(journey: Journey, since: datetime) -> str:
    missing = [safe(leg.environment, 60) for leg in journey.legs if leg.environment in journey.last and not leg.arrived]
    where = shortened(missing, ENVIRONMENTS) or "its last environment"
    when = moment(since, DAY_AND_TIME)
    return f"🛑 Not updated after {when}: it did not reach {where} within {FOLLOWED.days} days."


def _color(journey: Journey) -> str:
    if journey.failed:
        return RED
    return GREEN if journey.ended else BLUE
