"""News of deliveries: one line each, several in a message, edited as they go on. All in them comes from outside."""

from collections import Counter
from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.domain import slack_id
from bot.domain.delivery import Cause, News, Outcome
from bot.domain.duration import in_words
from bot.domain.event import Event
from bot.domain.pipeline import RunStatus
from bot.domain.source_range import ToldCommits
from bot.ports import Rendered
from bot.views.deliveries import CAUSES, ICONS, past
from bot.views.layout import BLUE, GREEN, RED, YELLOW, context, rendered, rows, section, sentence
from bot.views.subscriptions import buttons
from bot.views.words import DAY_AND_TIME, bold, code, commits_named, count, label, link, moment, named, safe, short_ids

DETAILED = 12
"""news in one message up to which each has its own lines"""
TOGETHER = 60
"""names in a block, which are cut so that it holds them"""
MOST_IMAGES = 3
TITLES = {
    Event.DEPLOYED: ("made without Pilothouse", "🚚"),
    Event.DEPLOY_FAILED: ("failed", "❌"),
    Event.DEGRADED: ("unwell", "🔴"),
    Event.DRIFTED: ("drifting from git", "〰️"),
    Event.SYNC_UNKNOWN: ("not compared with git", "❔"),
    Event.PIPELINE_ENDED: ("ended", "🏁"),
}
NOUNS = {Event.DEPLOYED: "deployment", Event.PIPELINE_ENDED: "pipeline run"}
PROMOTED = {
    Event.STARTED: ("promotion started", "🚀"),
    Event.DONE: ("promoted", "✅"),
    Event.FAILED: ("promotion failed", "❌"),
    Event.ABORTED: ("promotion aborted", "⏹️"),
}
TITLES |= PROMOTED
OTHERWISE = ("changed", "🚚")
TURNED = {
    Event.DEPLOY_FAILED: "Healthy again",
    Event.DEGRADED: "healthy again",
    Event.DRIFTED: "back in line with git",
    Event.SYNC_UNKNOWN: "compared with git again",
}


def bundle(items: tuple[News, ...], *, personal: bool = False) -> Rendered:
    """One message: a single piece of news, or a list of them. `personal`: in a conversation with one person."""
    if not items:
        return sentence("Nothing has changed.")
    if len(items) == 1:
        return _single(items[0], personal=personal)
    title = _title(items)
    if len(items) > DETAILED:
        return rendered(title, [section(f"{title}."), *_names(items)], _color(items))
    return rendered(title, [section(f"{title}:"), *rows(section(*_lines(one)) for one in items)], _color(items))


def _single(one: News, *, personal: bool) -> Rendered:
    lines = _lines(one)
    blocks: list[Block] = [section(*lines)]
    if one.late:
        blocks.append(context("Noticed late: Pilothouse or what it watches was away."))
    blocks += buttons(one, personal=personal)
    return rendered(lines[0], blocks, _color([one]))


def _title(items: Sequence[News]) -> str:
    first, place = items[0], named(list(dict.fromkeys(one.environment for one in items)), most=3)
    if first.late:
        changes = count(len(items), "change")
        return f"🕰️ {bold(f'Noticed late: {changes}', 120)} in {place}"
    what, icon = TITLES.get(first.event, OTHERWISE)
    over = sum(one.over_at is not None for one in items)
    more = f", {over:,} of them {TURNED.get(first.event, 'over')}" if over else ""
    noun = NOUNS.get(first.event, "app")
    icon = "✅" if over == len(items) else icon
    return f"{icon} {bold(f'{count(len(items), noun)} {what}', 120)} in {place}{more}"


def _names(items: Sequence[News]) -> list[Block]:
    """All of them, by what has become of them; nobody is left out of the count."""
    groups: dict[str, list[str]] = {}
    for one in items:
        groups.setdefault(_state(one), []).append(safe(one.app, 40))
    shown: list[Block] = []
    for state, names in groups.items():
        parts = [names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)]
        shown += [section(f"{state} ({count(len(names), 'app')}): {', '.join(parts[0])}")]
        shown += [section(", ".join(part)) for part in parts[1:]]
    return shown


def _state(one: News) -> str:
    if one.over_at:
        return f"✅ {TURNED.get(one.event, 'over')}"
    if one.event in (Event.DEPLOYED, Event.DEPLOY_FAILED) and one.outcome:
        return f"{ICONS[one.outcome]} {one.outcome}"
    what, icon = TITLES.get(one.event, OTHERWISE)
    return f"{icon} {safe(one.change or what, 60)}"


def _lines(one: News) -> list[str]:
    place = f"{bold(one.app, 80)} in {bold(one.environment, 80)}"
    match one.event:
        case Event.DEGRADED:
            lines = [f"🔴 {place} has been {safe(one.change or 'unwell', 40)} since {moment(one.at, DAY_AND_TIME)}."]
        case Event.DRIFTED:
            since = moment(one.at, DAY_AND_TIME)
            lines = [f"〰️ {place} has differed from git since {since}: something changed in the cluster."]
        case Event.SYNC_UNKNOWN:
            lines = [f"❔ Argo CD has not been able to compare {place} with git since {moment(one.at, DAY_AND_TIME)}."]
        case Event.PIPELINE_ENDED:
            icon = "✅" if one.outcome is Outcome.HEALTHY else "❌" if one.change == RunStatus.FAILED.lower() else "⏹️"
            lines = [f"{icon} {bold(one.app, 80)}: the pipeline run {code(one.subject, 80)} {_ran(one)}."]
        case Event.DEPLOY_FAILED:
            lines = [f"❌ {place} {label(one.change, 200)}: {_failed(one)}{_by(one)}."]
        case event if event in PROMOTED:
            what, icon = PROMOTED[event]
            lines = [f"{icon} {place} {label(one.change, 200)} · {what}{_by(one)}"]
        case _:
            outcome = one.outcome or Outcome.UNDER_WAY
            how = f" · {CAUSES[one.cause]}" if one.cause else ""
            lines = [f"{ICONS[outcome]} {place} {label(one.change, 200)}{how} · {outcome}{_by(one)}"]
    if one.over_at:
        after = in_words(one.over_at - one.at)
        lines = [f"✅ {place} is {TURNED.get(one.event, 'over')} {moment(one.over_at, DAY_AND_TIME)}, after {after}."]
    if one.why:
        lines.append(f"{'The reason was: ' if one.over_at else ''}{safe(short_ids(one.why), 500)}")
    if one.sha:
        subject = safe(short_ids(one.subject), 150) if one.subject and one.event is not Event.PIPELINE_ENDED else ""
        lines.append(f"{link(one.url, one.sha[:7], 40)} {subject}".rstrip())
    if one.held:
        lines.append(past(one.held, one.app, one.environment))
    lines += [_commits(told) for told in one.brought if told.count]
    if one.commits and not one.brought:  # as an earlier version told it
        lines.append(commits_named(one.commits, one.subjects, one.authors))
    if one.event is Event.DEPLOYED and one.cause is Cause.ARGOCD:
        lines.append(f"Git says something else: {code(f'/status {one.app} {one.environment}', 150)} shows both.")
    return lines


def _ran(one: News) -> str:
    return "was cancelled" if one.change == RunStatus.CANCELLED.lower() else safe(one.change, 40)


def _commits(told: ToldCommits) -> str:
    images = f"{', '.join(code(name, 80) for name in told.images[:MOST_IMAGES])}: " if told.images else ""
    return f"{images}{commits_named(told.count, told.subjects, told.authors)}"


def _failed(one: News) -> str:
    return "it does not run" if one.outcome is Outcome.NEVER_RAN else "the deployment failed"


def _by(one: News) -> str:
    known = slack_id.is_user(one.user)
    who = f"<@{one.user}>" if known else safe(one.who, 80) if one.who else ""
    return f" · {who}" if who else ""


def _color(items: Sequence[News]) -> str:
    if all(one.over_at or one.outcome is Outcome.HEALTHY for one in items):
        return GREEN
    events = Counter(one.event for one in items if not one.over_at)
    if events[Event.DEPLOY_FAILED] or events[Event.DEGRADED] or events[Event.PIPELINE_ENDED]:
        return RED
    return YELLOW if events[Event.DRIFTED] or events[Event.SYNC_UNKNOWN] else BLUE
