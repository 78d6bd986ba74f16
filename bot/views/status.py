"""What runs where, and how it is."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from slack_sdk.models.blocks import Block, ButtonElement

from bot.domain.application import Application, HealthStatus, LastKnown, SyncStatus, Unheard
from bot.domain.overlay import OverlayImage
from bot.domain.queueing import what
from bot.domain.reply import StatusOverview, StatusPage, StatusRow
from bot.ports import Rendered
from bot.views import words
from bot.views.ids import Action, PageValue
from bot.views.layout import actions, button, context, header, rendered, rows, section, sentence, text_length
from bot.views.safety import closed
from bot.views.state import state
from bot.views.words import DAY_AND_TIME, bold, code, label, link, mention, moment, safe

HEALTH = {
    HealthStatus.HEALTHY: "✅",
    HealthStatus.PROGRESSING: "🔄",
    HealthStatus.DEGRADED: "❌",
    HealthStatus.SUSPENDED: "⏸️",
    HealthStatus.MISSING: "❔",
    HealthStatus.UNKNOWN: "❔",
}
APP_LIMIT = 2500
BOARD = 8000
"""characters of an overview; Slack refuses a message somewhere above 10,000"""
WAITING = 2
"""promotions in the queue that are named"""


def status_overview(overview: StatusOverview) -> Rendered:
    if not overview.rows:
        return sentence(_nothing(overview.page))
    apps = [(app, tuple(found)) for app, found in groupby(overview.rows, key=lambda row: row.app)]
    if overview.page is None and len(apps) == 1:
        its = rows(status_blocks(overview.rows, named=False), spare_blocks=1)
        return rendered(fallback(*apps[0]), [header(apps[0][0]), *its, *unheard(overview.rows)])
    blocks = status_blocks(overview.rows)
    if sum(text_length(block.to_dict()) for block in blocks) > BOARD:  # then each app is short, and none is left out
        blocks = status_blocks(overview.rows, brief=True)
    title = f"Status of {words.count(overview.page.apps if overview.page else len(apps), 'app')}"
    if overview.page and overview.page.only:
        title = f"{overview.page.unwell:,} of {words.count(overview.page.apps, 'app')} unwell"
    foot = [*unheard(overview.rows), *(_foot(overview.page) if overview.page else [])]
    return rendered(title, [*rows(blocks, spare_blocks=len(foot) + 1, budget=BOARD + 1000), *foot])


def status_blocks(
    found: Sequence[StatusRow], *, named: bool = True, brief: bool = False, glance: bool = False
) -> list[Block]:
    """A block for each app, with a line for each environment.

    `glance`: where all is well that is all that is said, so that the line fits on a phone.
    """
    blocks: list[Block] = []
    for app, its in groupby(found, key=lambda row: row.app):
        lines = [_short(row) if brief or (glance and _well(row)) else _line(row) for row in its]
        blocks.append(section(*([bold(app)] if named else []), *lines, limit=APP_LIMIT))
    return blocks


def unheard(found: Iterable[StatusRow]) -> list[Block]:
    """That Argo CD had to be asked: its stream is lost or silent, is read again, or a list failed."""
    lines = [_unheard(one) for one in dict.fromkeys(row.unheard for row in found) if one]
    return [context(*lines)] if lines else []


def _unheard(one: Unheard) -> str:
    whose = f"the stream of Argo CD {bold(one.name, 60)}" if one.name else "Argo CD's stream"
    if one.since is None:
        return f"⚠️ The bot does not follow {whose} yet: this was asked just now."
    behind = f"The bot may be behind {whose}, last heard at {moment(one.since)}"
    return f"⚠️ {behind}: this was asked just now, and news may be late."


def _nothing(page: StatusPage | None) -> str:
    if page and page.only and page.apps:
        return f"Of {words.count(page.apps, 'app')}, none is unwell."
    return "There is nothing to show: no app runs there."


def _foot(page: StatusPage) -> list[Block]:
    """What of how much this is, and what leads to the rest."""
    if page.count == 1 and not page.only and not page.unwell:
        return []
    unwell = f"{words.count(page.unwell, 'app')} unwell, shown first" if page.unwell else "no app is unwell"
    about = "Only the unwell are shown" if page.only else unwell
    numbered = f"Page {page.number} of {page.count} · " if page.count > 1 else ""
    typed = " ".join(filter(None, ("/status", page.environment, "--unwell" if page.only else "", "--page N")))
    hint = f" · {code(typed, 120)}" if page.count > 1 else ""
    steps = [("Back", page.number - 1)] if page.number > 1 else []
    steps += [("Next", page.number + 1)] if page.number < page.count else []
    pressed = [_page(label, page, number, page.only, index) for index, (label, number) in enumerate(steps)]
    if page.count > 1 and page.unwell and not page.only:
        pressed.append(_page("Only the unwell", page, 1, True, len(steps)))
    return [*actions(pressed), context(f"{numbered}{about} · {words.count(page.apps, 'app')} in all{hint}")]


def _page(label: str, page: StatusPage, number: int, only: bool, index: int) -> ButtonElement | None:
    value = PageValue(page.environment, str(number), "1" if only else "")
    return button(label, Action.STATUS_PAGE.numbered(index), value)


def _well(row: StatusRow) -> bool:
    """Whether there is nothing to tell but that."""
    beside = row.promotion or row.lock or row.freeze or row.closed or row.waiting or row.runs or row.problem
    application = row.application
    if beside or application is None or _trouble(application):
        return False
    return application.health is HealthStatus.HEALTHY and application.sync is SyncStatus.SYNCED


def _short(row: StatusRow) -> str:
    """One line, whatever there is to say."""
    pinned = label(", ".join(dict.fromkeys(one.label for one in row.images)))
    marks = "".join(
        mark
        for mark, so in (
            ("〰️", row.drifting_since),
            ("🔒", row.lock),
            ("❄️", row.freeze or row.closed),
            ("🚦", row.promotion),
        )
        if so
    )
    known = f"⚠️ not known, {_before(row.last_known)}" if row.last_known else "⚠️ not known"
    said = _judgement(row.application, behind=bool(row.runs)) if row.application else known
    instead = f" · {label(row.runs, 50)}" if row.runs else ""
    return f"{code(row.environment, 24)} {pinned}{instead} · {said}{f' {marks}' if marks else ''}"


def fallback(app: str, found: Sequence[StatusRow]) -> str:
    """What stands for the overview of one app in notifications."""
    parts = [f"{safe(row.environment, 60)} {_images(row)} {_health_word(row)}".rstrip() for row in found]
    return f"{safe(app, 80)}: {words.joined(parts, 2000, ', ')}"


def _health_word(row: StatusRow) -> str:
    return row.application.health.value if row.application else ""


def images(found: Sequence[OverlayImage]) -> str:
    if not found:
        return "nothing"
    if len(labels := {one.label for one in found}) == 1:
        return label(labels.pop(), 60) + (f" ({words.count(len(found), 'image')})" if len(found) > 1 else "")
    return words.joined([f"{safe(one.name.rpartition('/')[2], 40)} {label(one.label)}" for one in found], 400, ", ")


def _images(row: StatusRow) -> str:
    """Git's image beside Argo CD's judgement only where both speak of the same one."""
    pinned = images(row.images)
    return f"{pinned} is committed, {label(row.runs, 200)} ·" if row.runs else pinned


def _line(row: StatusRow) -> str:
    parts = [f"{code(row.environment, 60)} {_images(row).removesuffix(' ·')}", _health(row)]
    if row.last:
        parts.append(f"{moment(row.last.at, DAY_AND_TIME)} by {safe(row.last.author.name, 60)}")
    lines = [" · ".join(parts), *_drift(row), *held(row)]
    if row.application:
        lines += _trouble(row.application)
    if row.promotion:
        now = state(row.promotion)
        mine = [move.after.label for move in row.promotion.plan.moves if move.app == row.app]
        labels = words.named([words.short_ids(one) for one in dict.fromkeys(mine)], most=2)
        lines.append(f"        {now.emoji} {labels}: {now.sentence}")
    return "\n".join(lines)


def _drift(row: StatusRow) -> list[str]:
    """As news tells it; what differs is asked of Argo CD for one place only."""
    if row.drifting_since is None:
        return []
    since, shows = moment(row.drifting_since, DAY_AND_TIME), code(f"/status {row.app} {row.environment}", 150)
    return [f"        〰️ has differed from git since {since}: something changed in the cluster. {shows} shows what."]


def held(row: StatusRow) -> list[str]:
    """What holds changes back there, and what starts later."""
    lines = []
    if row.lock:
        until = f" until {moment(row.lock.expires_at, DAY_AND_TIME)}" if row.lock.expires_at else ""
        reason = f": {safe(row.lock.reason, 120)}" if words.clean(row.lock.reason) else ""
        lines.append(f"        🔒 locked by {mention(row.lock.owner)}{until}{reason}")
    if row.freeze:
        reason = f": {safe(row.freeze.reason, 120)}" if words.clean(row.freeze.reason) else ""
        lines.append(f"        ❄️ frozen until {moment(row.freeze.until, DAY_AND_TIME)}{reason}")
    if row.closed:
        lines.append(f"        ❄️ frozen {closed(row.closed, 120)}")
    lines += [f"        🗓️ waits for its turn: {safe(what(one.wish), 120)}" for one in row.waiting[:WAITING]]
    more = len(row.waiting) - WAITING
    return [*lines, f"        🗓️ and {more} more"] if more > 0 else lines


def _health(row: StatusRow) -> str:
    if row.application is None:
        before = f" {bold('Last known')}: {_before(row.last_known)}." if row.last_known else ""
        return f"⚠️ {safe(row.problem or 'Argo CD could not be asked.', 300)}{before}"
    said = _judgement(row.application, behind=bool(row.runs))
    return f"{said} {link(row.application.url, 'Open')}" if words.web_address(row.application.url) else said


def _before(known: LastKnown) -> str:
    """Without a sign of how it is: nobody knows."""
    return f"{known.sync.value} · {known.health.value} at {moment(known.at, DAY_AND_TIME)}"


def _judgement(application: Application, *, behind: bool) -> str:
    """`behind`: Synced would be heard of the commit that Argo CD has not brought out, so it is not said.

    Healthy is good news only of what was compared with git.
    """
    health, sync = application.health, application.sync
    if behind and sync is SyncStatus.SYNCED:
        return f"{'🔄' if health is HealthStatus.HEALTHY else HEALTH[health]} {health.value}"
    well = health is HealthStatus.HEALTHY
    emoji = "❔" if well and sync is SyncStatus.UNKNOWN else HEALTH[health]
    emoji = "🔄" if well and (behind or sync is SyncStatus.OUT_OF_SYNC) else emoji
    return f"{emoji} {sync.value} · {health.value}"


def _trouble(application: Application) -> list[str]:
    """What Argo CD says of an application that is not well."""
    said = [*application.conditions[:3]]
    if application.health is not HealthStatus.HEALTHY and application.health_message:
        said.insert(0, application.health_message)
    operation = application.operation
    if operation and operation.message and operation.failed:
        said.append(operation.message)
    return [f"        → {safe(line, 300)}" for line in said if words.clean(line)]
