"""Alerts and failed pipeline runs: short, calm, and edited when they are over. All in them comes from outside."""

from slack_sdk.models.blocks import Block

from bot.domain import slack_id
from bot.domain.alert import Alert
from bot.domain.duration import in_words
from bot.domain.pipeline import PipelineRun
from bot.ports import Rendered
from bot.views import words
from bot.views.layout import GREEN, RED, YELLOW, context, rendered, section
from bot.views.words import DAY_AND_TIME, bold, code, link, moment, safe

HEADLINE = 300
LIST, PART = 7500, 2900
"""characters of a list of alerts, and of one block of it"""


def alert(told: Alert) -> Rendered:
    """What happens, to what, since when, and where to look. When it is over, that it is, and how long it took."""
    name = bold(told.summary or told.name, HEADLINE)
    if told.ended_at is None:
        critical = told.severity == "critical"
        lines = [f"{'🔴' if critical else '🟠'} {name}"]
        if words.clean(told.description):
            lines.append(safe(told.description, 600))
        when, color = f"since {moment(told.started_at, DAY_AND_TIME)}", RED if critical else YELLOW
    else:
        lines = [f"✅ Resolved: {name}"]
        when, color = f"{moment(told.ended_at, DAY_AND_TIME)}, after {in_words(told.ended_at - told.started_at)}", GREEN
    about = " · ".join([*_about(told), when, *_links(told)])
    return rendered(f"{lines[0]} {' · '.join(_about(told))}".rstrip(), [section(*lines), context(about)], color)


def alert_group(told: tuple[Alert, ...], left_out: int = 0, unreadable: int = 0) -> Rendered:
    """The alerts of one group: those that fire first. `left_out` and `unreadable` are not among them, and counted."""
    if len(told) == 1 and not (left_out or unreadable):
        return alert(told[0])
    firing = sorted((one for one in told if one.firing), key=lambda one: (one.severity != "critical", one.started_at))
    over = [one for one in told if not one.firing]
    critical = any(one.severity == "critical" for one in firing)
    mark, color = ("✅", GREEN) if not firing else ("🔴", RED) if critical else ("🟠", YELLOW)
    title = f"{mark} {_named_together(told)}: {_counted(len(firing), len(over))}"
    lines = [*map(_line, firing), *map(_line, over)]
    blocks = [section(title), *_listed(lines)]
    notes = [f"Alertmanager left {words.count(left_out, 'more alert')} out of its message"] if left_out else []
    notes += [f"{words.count(unreadable, 'more alert')} could not be read: the log counts them"] if unreadable else []
    if told:
        notes += _links(next(iter([*firing, *over])))
    return rendered(title, [*blocks, *([context(" · ".join(notes))] if notes else [])], color)


def _named_together(told: tuple[Alert, ...]) -> str:
    """By their common name and place, as far as they have one."""
    names, places = {one.name for one in told}, {one.environment for one in told}
    name = bold(names.pop(), 120) if len(names) == 1 and words.clean(next(iter(names))) else "Alerts"
    place = f" in {bold(places.pop(), 80)}" if len(places) == 1 and words.clean(next(iter(places))) else ""
    return f"{name}{place}"


def _counted(firing: int, over: int) -> str:
    parts = [f"{firing:,} firing"] if firing else []
    return ", ".join([*parts, f"{over:,} resolved"] if over else parts) or "none"


def _line(told: Alert) -> str:
    about = " → ".join(safe(part, 60) for part in (told.app, told.environment) if part)
    about = about or safe(told.application or told.run or told.pipeline or told.name, 60)
    what = safe(told.summary or told.name, 90)
    if told.ended_at is None:
        return f"{'🔴' if told.severity == 'critical' else '🟠'} {about}: {what} since {moment(told.started_at)}"
    return f"✅ {about}: {what}, after {in_words(told.ended_at - told.started_at)}"


def _listed(lines: list[str]) -> list[Block]:
    """As many lines as a message holds; of the others how many there are."""
    kept, room = 0, LIST
    for line in lines:
        room -= words.width(line) + 1
        if room < 0:
            break
        kept += 1
    parts: list[list[str]] = [[]]
    for line in lines[:kept]:
        if sum(words.width(each) + 1 for each in (*parts[-1], line)) > PART:
            parts.append([])
        parts[-1].append(line)
    shown: list[Block] = [section(*part) for part in parts if part]
    return [*shown, context(f"and {len(lines) - kept:,} more")] if kept < len(lines) else shown


def set_aside(sender: str, delivery: str, why: str) -> Rendered:
    """For administrators: a message from outside that cannot be worked on, and that nothing waits for it."""
    line = (
        f"⚠️ A message from {bold(sender, 60)} cannot be processed, so it is set aside. Everything after it continues."
    )
    remedy = f"Administrators: the log has the details under {code(delivery, 120)}. Reason: {safe(why, 300)}"
    return rendered(line, [section(line), context(remedy)], YELLOW)


def failed_run(run: PipelineRun) -> Rendered:
    """That a pipeline run failed, and why, in one sentence."""
    of = f" of {bold(run.app, 80)}" if run.app else ""
    line = f"❌ Pipeline run {code(run.name, 100)}{of} failed."
    reason = safe(run.message or run.reason or "Tekton gives no reason.", 600)
    facts = [safe(run.pipeline, 80)]
    if run.requester:
        facts.append(f"by <@{run.requester}>" if slack_id.is_user(run.requester) else safe(run.requester, 60))
    if run.duration is not None:
        facts.append(f"after {in_words(run.duration)}")
    more = f"{code(f'/pipeline logs {run.name}', 130)} shows what it printed"
    return rendered(f"{line} {reason}", [section(line, reason), context(" · ".join([*facts, more]))], RED)


def _about(told: Alert) -> list[str]:
    place = " → ".join(bold(part, 80) for part in (told.app, told.environment) if part)
    named = [code(part, 100) for part in dict.fromkeys((told.run, told.application, told.pipeline)) if part]
    return [part for part in (place, *named) if part]


def _links(told: Alert) -> list[str]:
    """Only those that lead somewhere: a link that cannot be written would be its bare label."""
    pairs = ((told.url, "Details"), (told.runbook, "What to do"))
    return [link(url, label) for url, label in pairs if words.web_address(url)]
