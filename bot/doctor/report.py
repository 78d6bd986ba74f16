"""What was found, for people and for scripts."""

import json
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from bot.doctor.finding import CheckOutcome, Finding
from bot.views.words import count

MARKS = {
    CheckOutcome.GOOD: ("✓", "green"),
    CheckOutcome.WARNING: ("!", "yellow"),
    CheckOutcome.WRONG: ("✗", "bold red"),
    CheckOutcome.SKIPPED: ("–", "dim"),
}


def table(findings: Sequence[Finding]) -> Table:
    """One row a finding; what is wrong has its fix on a line of its own."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("")
    shown.add_column("System", no_wrap=True)
    shown.add_column("Check", no_wrap=True)
    shown.add_column("What was found, and what fixes it", overflow="fold")
    system = ""
    for finding in findings:
        mark, style = MARKS[finding.outcome]
        words = Text(finding.detail, style="dim" if finding.outcome is CheckOutcome.SKIPPED else "")
        if finding.fix:
            words.append(f"\n→ {finding.fix}", style="bold")
        name = "" if finding.system == system else finding.system
        shown.add_row(Text(mark, style=style), Text(name), Text(finding.subject), words)
        system = finding.system
    return shown


def summary(findings: Sequence[Finding]) -> str:
    wrong = sum(finding.outcome is CheckOutcome.WRONG for finding in findings)
    return f"\n{count(wrong, 'thing')} to fix." if wrong else "\nNothing to fix."


def as_json(findings: Sequence[Finding]) -> str:
    """`{"good": …, "findings": [{system, subject, outcome, detail, fix}]}`."""
    good = all(finding.outcome is not CheckOutcome.WRONG for finding in findings)
    return json.dumps({"good": good, "findings": [vars(finding) for finding in findings]}, indent=2, ensure_ascii=False)
