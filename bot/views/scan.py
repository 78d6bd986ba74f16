"""What the scanner found in an image, worst first."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.domain.reply import ScanReport, ScanReports
from bot.domain.scan import Scan, ScanStatus, Severity, Vulnerability
from bot.ports import Rendered
from bot.views import words
from bot.views.layout import context, fields, header, rendered, rows, section
from bot.views.words import DAY_AND_TIME, code, moment, safe

DOTS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "🔵",
    Severity.NEGLIGIBLE: "⚪",
    Severity.UNKNOWN: "❔",
    Severity.NONE: "⚪",
}
SHOWN = 10
DETAILED = 4
"""images of one app whose details fit in one message"""


def scan_report(report: ScanReport) -> Rendered:
    label = words.short_ids(report.artifact.image.label)
    title = f"🔍 {words.plain(report.app, 60)} · {words.plain(label, 60)}"
    return rendered(f"{safe(report.app, 60)} {safe(label, 60)}: {_verdict(report)}", _blocks(report, title, 1))


def scan_reports(several: ScanReports) -> Rendered:
    """A section for each image; the details only where there is room for those of all."""
    told = [f"{safe(_name(report), 120)}: {_verdict(report)}" for report in several.reports]
    blocks: list[Block] = [header(f"🔍 {words.plain(several.app, 60)} · {words.count(len(told), 'image')}")]
    if len(several.reports) > DETAILED:
        blocks += rows([section(one, counts(report.scan)) for one, report in zip(told, several.reports, strict=True)])
    else:
        for report in several.reports:
            blocks += _blocks(report, f"🔍 {words.plain(_name(report), 120)}", len(several.reports))
    if several.missing:
        blocks.append(section(*(f"❔ {safe(sentence, 300)}" for sentence in several.missing), limit=1000))
    return rendered("\n".join([f"*{safe(several.app, 60)}*", *told]), blocks)


def _blocks(report: ScanReport, title: str, shared_by: int) -> list[Block]:
    """`shared_by`: how many images have to do with the room of one message."""
    blocks: list[Block] = [header(title), section(_verdict(report))]
    blocks += fields([pair for pair in _facts(report) if pair[1]])
    if report.against:
        blocks.append(section(*_difference(report), limit=1500 // shared_by))
    if report.vulnerabilities:
        title = f"*{_whose(report)}, worst first*" if _whose(report) else "*Worst first*"
        blocks.append(section(title, *_worst(report.vulnerabilities), limit=2500 // shared_by))
    blocks.append(context(code(str(report.artifact.image), 250)))
    return blocks


def _name(report: ScanReport) -> str:
    """Tags do not tell images of one app apart: they are often the same."""
    return f"{report.artifact.image.repository.rpartition('/')[2]} {words.short_ids(report.artifact.image.label)}"


def counts(found: Scan) -> str:
    """ "🔴 2 Critical · 🟠 5 High" """
    worst_first = sorted(found.counts.items(), key=lambda item: -item[0].rank)
    return " · ".join(f"{DOTS[severity]} {number:,} {severity.value}" for severity, number in worst_first if number)


def _verdict(report: ScanReport) -> str:
    found = report.scan
    match found.status:
        case ScanStatus.NOT_SCANNED:
            return f"⏳ This image is not scanned yet. {_again(report)}"
        case ScanStatus.PENDING:
            return f"⏳ The scan waits for its turn. {_later(report)}"
        case ScanStatus.RUNNING:
            done = f" ({found.progress} %)" if found.progress else ""
            return f"⏳ The scan is running{done}. {_later(report)}"
        case ScanStatus.ERROR:
            return f"❌ The scan failed, so this image is not judged. {_again(report)}"
        case ScanStatus.STOPPED:
            return f"❌ The scan was stopped, so this image is not judged. {_again(report)}"
        case ScanStatus.INCOMPLETE:
            why = f": {safe(', '.join(found.missing), 200)}" if found.missing else ""
            return f"❌ The scan is incomplete{why}. {_again(report)}"
        case ScanStatus.SCANNER_AWAY:
            return "⏳ The registry's scanner does not answer, so this image is not judged until it is back."
    if report.threshold is None:
        return counts(found) or "✅ Nothing was found."
    bad = found.at_or_above(report.threshold)
    worse = report.threshold.value if report.threshold is Severity.CRITICAL else f"{report.threshold.value} or worse"
    if not bad:
        return f"✅ No finding is {worse}."
    return f"⛔ {words.count(bad, 'finding')} {'is' if bad == 1 else 'are'} {worse}."


def _whose(report: ScanReport) -> str:
    """Whose findings are shown, where they are not those of the scan that the report is about; else ""."""
    match report.scan.status:
        case ScanStatus.SUCCESS:
            return ""
        case ScanStatus.INCOMPLETE:
            return "Findings of the part that is scanned"
        case ScanStatus.SCANNER_AWAY | ScanStatus.NOT_SCANNED:
            return "Findings of the last scan"
        case _:
            return "Findings of the scan before this one"


def _again(report: ScanReport) -> str:
    which = "one" if report.scan.status is ScanStatus.NOT_SCANNED else "another"
    return f"Start {which} with {code(f'/scan {report.app}@{report.artifact.image.label} --rescan', 150)}."


def _later(report: ScanReport) -> str:
    return f"{code(f'/scan {report.app}@{report.artifact.image.label}', 150)} shows what it found."


def _facts(report: ScanReport) -> list[tuple[str, str]]:
    found = report.scan
    return [
        ("In git for", safe(report.pinned_in, 60) if report.pinned_in else ""),
        ("Found", counts(found)),
        ("Fixable", f"{found.fixable:,} of {found.total:,}" if found.total else ""),
        ("Scanned", moment(found.finished_at, DAY_AND_TIME) if found.finished_at else ""),
        ("Scanner", safe(found.scanner, 100) if words.clean(found.scanner) else ""),
        ("Pushed", moment(report.artifact.pushed_at, DAY_AND_TIME) if report.artifact.pushed_at else ""),
        ("Source", code(report.artifact.revision[:12], 40) if words.clean(report.artifact.revision) else ""),
    ]


def _difference(report: ScanReport) -> list[str]:
    assert report.against is not None
    by = f"{_whose(report)}, compared" if _whose(report) else "Compared"
    lines = [f"*{by} with {words.label(report.against.label, 60)}, which {safe(report.against_in, 60)} runs*"]
    if report.fixed:
        lines.append(f"✅ {len(report.fixed):,} fixed: {_ids(report.fixed)}")
    if report.added:
        lines.append(f"⚠️ {len(report.added):,} new: {_ids(report.added)}")
    return lines if len(lines) > 1 else [f"{lines[0]}: nothing fixed and nothing new."]


def _ids(found: Sequence[Vulnerability]) -> str:
    worst = sorted(found, key=lambda one: -one.severity.rank)
    return words.joined([f"{DOTS[one.severity]} {safe(one.id, 40)}" for one in worst], 500, ", ")


def _worst(found: Sequence[Vulnerability]) -> list[str]:
    worst = sorted(found, key=lambda one: (-one.severity.rank, not one.fixable, one.id))
    lines = [_finding(one) for one in worst[:SHOWN]]
    return lines if len(worst) <= SHOWN else [*lines, words.more(len(worst) - SHOWN, "")]


def _finding(one: Vulnerability) -> str:
    fix = f"fixed in {safe(one.fix_version, 40)}" if one.fixable else "no fix yet"
    return f"{DOTS[one.severity]} {safe(one.id, 40)} · {safe(one.package, 60)} {safe(one.version, 40)} · {fix}"
