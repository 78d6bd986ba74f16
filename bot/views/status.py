"""What runs where, and how it is."""

from collections.abc import Sequence
from itertools import groupby

from slack_sdk.models.blocks import Block

from bot.domain.application import Application, HealthStatus, SyncStatus
from bot.domain.overlay import OverlayImage
from bot.domain.reply import StatusBoard, StatusRow
from bot.ports import Rendered
from bot.views import words
from bot.views.layout import context, header, rendered, rows, section, sentence
from bot.views.state import state
from bot.views.words import DAY_AND_TIME, bold, code, link, moment, safe

HEALTH = {
    HealthStatus.HEALTHY: "✅",
    HealthStatus.PROGRESSING: "🔄",
    HealthStatus.DEGRADED: "❌",
    HealthStatus.SUSPENDED: "⏸️",
    HealthStatus.MISSING: "❔",
    HealthStatus.UNKNOWN: "❔",
}
APP_LIMIT = 2500
NOT_LOOKED_UP = "Too many rows: last commits, promotions, and warnings of what is Healthy were not looked up."


def status_board(board: StatusBoard) -> Rendered:
    if not board.rows:
        return sentence("There is nothing to show: no app runs there.")
    apps = [(app, tuple(found)) for app, found in groupby(board.rows, key=lambda row: row.app)]
    if len(apps) == 1:
        return rendered(_fallback(*apps[0]), [header(apps[0][0]), *rows(status_blocks(board.rows, named=False))])
    blocks = rows(status_blocks(board.rows))
    if not board.looked_up:
        blocks = [context(f"{NOT_LOOKED_UP} {code('/status APP')} shows them."), *blocks]
    return rendered(f"Status of {words.count(len(apps), 'app')}", blocks)


def status_blocks(found: Sequence[StatusRow], *, named: bool = True) -> list[Block]:
    """A block for each app, with a line for each environment."""
    blocks: list[Block] = []
    for app, its in groupby(found, key=lambda row: row.app):
        lines = [_line(row) for row in its]
        blocks.append(section(*([bold(app)] if named else []), *lines, limit=APP_LIMIT))
    return blocks


def _fallback(app: str, found: Sequence[StatusRow]) -> str:
    parts = [f"{safe(row.environment, 60)} {_images(row)} {_health_word(row)}".rstrip() for row in found]
    return f"{safe(app, 80)}: {words.joined(parts, 2000, ', ')}"


def _health_word(row: StatusRow) -> str:
    return row.application.health.value if row.application else ""


def images(found: Sequence[OverlayImage]) -> str:
    if not found:
        return "nothing"
    if len(labels := {one.label for one in found}) == 1:
        return safe(labels.pop(), 60) + (f" ({words.count(len(found), 'image')})" if len(found) > 1 else "")
    return words.joined([f"{safe(one.name.rpartition('/')[2], 40)} {safe(one.label, 40)}" for one in found], 400, ", ")


def _images(row: StatusRow) -> str:
    """Git's image beside Argo CD's judgement only where both speak of the same one."""
    pinned = images(row.images)
    return f"{pinned} is committed, {safe(row.runs, 200)} ·" if row.runs else pinned


def _line(row: StatusRow) -> str:
    parts = [f"{code(row.environment, 60)} {_images(row).removesuffix(' ·')}", _health(row)]
    if row.last:
        parts.append(f"{moment(row.last.at, DAY_AND_TIME)} by {safe(row.last.author.name, 60)}")
    lines = [" · ".join(parts)]
    if row.application:
        lines += _trouble(row.application)
    if row.promotion:
        now = state(row.promotion)
        mine = [move.after.label for move in row.promotion.plan.moves if move.app == row.app]
        labels = words.named(list(dict.fromkeys(mine)), most=2)
        lines.append(f"        {now.emoji} {labels}: {now.sentence}")
    return "\n".join(lines)


def _health(row: StatusRow) -> str:
    if row.application is None:
        return f"⚠️ {safe(row.problem or 'Argo CD could not be asked.', 300)}"
    said = _judgement(row.application, behind=bool(row.runs))
    return f"{said} {link(row.application.url, 'Open')}" if words.web_address(row.application.url) else said


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
    if operation and operation.message and operation.finished and operation.phase.value != "Succeeded":
        said.append(operation.message)
    return [f"        → {safe(line, 300)}" for line in said if words.clean(line)]
