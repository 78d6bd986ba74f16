"""Alerts and failed pipeline runs: short, calm, and edited when they are over. All in them comes from outside."""

from bot.domain.alert import Alert
from bot.domain.pipeline import PipelineRun
from bot.ports import Rendered
from bot.views import words
from bot.views.layout import GREEN, RED, YELLOW, context, rendered, section
from bot.views.words import DAY_AND_TIME, bold, code, lasted, link, moment, safe

HEADLINE = 300


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
        when, color = f"{moment(told.ended_at, DAY_AND_TIME)}, after {lasted(told.ended_at - told.started_at)}", GREEN
    about = " · ".join([*_about(told), when, *_links(told)])
    return rendered(f"{lines[0]} {' · '.join(_about(told))}".rstrip(), [section(*lines), context(about)], color)


def set_aside(sender: str, delivery: str, why: str) -> Rendered:
    """For administrators: a message from outside that cannot be worked on, and that nothing waits for it."""
    line = (
        f"⚠️ A message from {bold(sender, 60)} cannot be processed, so it is set aside. Everything behind it continues."
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
        facts.append(f"by <@{run.requester}>" if words.USER_ID.fullmatch(run.requester) else safe(run.requester, 60))
    if run.duration is not None:
        facts.append(f"after {lasted(run.duration)}")
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
