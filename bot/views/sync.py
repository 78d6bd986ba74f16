"""What a sync, or the stop of one, would do before somebody presses; and what the channels hear of it."""

from dataclasses import replace

from slack_sdk.models.blocks import Block, ButtonElement, ContextBlock

from bot.domain.application import Operation
from bot.domain.caller import Person
from bot.domain.intent import SyncAction
from bot.domain.reply import StatusDetail, SyncAsked
from bot.ports import Rendered
from bot.views import drift, layout, words
from bot.views.ids import Action, SyncValue
from bot.views.layout import context, header, rendered, rows, section, sentence
from bot.views.safety import place
from bot.views.status import fallback, images, status_blocks, unheard
from bot.views.words import DAY_AND_TIME, bold, code, ended, moment, safe

SICK = 4
"""resources that are named"""
LABELS = {SyncAction.SYNC: "Sync", SyncAction.REFRESH: "Refresh", SyncAction.TERMINATE: "Terminate the sync"}
ACTIONS = {
    SyncAction.SYNC: Action.SYNC,
    SyncAction.REFRESH: Action.REFRESH,
    SyncAction.TERMINATE: Action.TERMINATE,
}


def offer(app: str, environment: str, action: SyncAction) -> ButtonElement | None:
    """As if it were typed: the press is confirmed where that matters."""
    return layout.button(LABELS[action], ACTIONS[action], SyncValue(app, environment))


def status_detail(reply: StatusDetail) -> Rendered:
    """One app in one environment, with why it differs from git, and what can be done about it."""
    row = reply.row
    told = [*_drift(reply), *_sick(reply), *(f"⛔ {safe(one, 300)}" for one in reply.held)]
    line = replace(row, drifting_since=None)  # what differs is told below, with since when
    overview = rows(status_blocks((line,), named=False), budget=3000)
    said = [*([section(*told)] if told else []), *_synced(reply), *unheard((row,))]
    shown: list[Block] = [header(row.app), *overview, *said]
    return rendered(
        fallback(row.app, (row,)),
        [*shown, *layout.actions(offer(row.app, row.environment, one) for one in dict.fromkeys(reply.may))],
    )


def _drift(reply: StatusDetail) -> list[str]:
    began = reply.row.drifting_since
    since = f" since {moment(began, DAY_AND_TIME)}" if began else ""
    differs = f"〰️ {'Has differed' if since else 'Differs'} from git{since}"
    if reply.unasked:
        first = [f"{differs}."] if since else []
        return [*first, f"What differs from git is not known: {safe(reply.unasked, 300)}"]
    if reply.drift is None:
        return [f"{differs}: something changed in the cluster."] if since else []
    if not reply.drift:
        look = f" {bold(LABELS[SyncAction.REFRESH])} has it look again." if SyncAction.REFRESH in reply.may else ""
        return [f"{differs}. Argo CD names no field.{look}"]
    return [f"{differs}:", *drift.lines(reply.drift)]


def _sick(reply: StatusDetail) -> list[str]:
    if reply.sick is None:
        return ["Which resources are unhealthy is not known: Argo CD did not answer."]
    return [
        f"❌ {safe(one.kind, 60)} {code(one.name, 120)} is {one.health.value}"
        f"{f': {safe(one.message, 300)}' if words.clean(one.message) else ''}"
        for one in reply.sick[:SICK]
    ]


def _synced(reply: StatusDetail) -> list[ContextBlock]:
    """Which commit Argo CD has compared with, and which it has brought out last."""
    app = reply.row.application
    if app is None:
        return []
    parts = [f"compared with {code(app.revision[:7], 20)}"] if app.revision else []
    if app.history:
        newest = app.history[-1]
        when = f" {moment(newest.deployed_at, DAY_AND_TIME)}" if newest.deployed_at else ""
        parts.append(f"last synced {code(newest.revision[:7] or '?', 20)}{when}")
    parts.append("syncs automatically" if app.auto_sync else "syncs when somebody asks")
    return [context(f"Argo CD: {', '.join(parts)}.")]


def sync_asked(reply: SyncAsked) -> Rendered:
    where, stops = place(reply.app, reply.environment), reply.action is SyncAction.TERMINATE
    what = "stops the sync of" if stops else "asks Argo CD to sync"
    said = f"⚠️ Nothing has happened yet. This {what} {where}{'' if stops else f' to {images(reply.images)}'}."
    concerns = [f"• {safe(ended(concern), 400)}" for concern in reply.concerns]
    shown = [section(said, *concerns, limit=2000), section(*(_running(reply.operation) if stops else _changes(reply)))]
    about = " ".join([f"{reply.app} in {reply.environment}.", *reply.concerns])
    title = "Terminate the sync?" if stops else f"Sync {reply.environment}?"
    ask = layout.confirm(title, about, LABELS[reply.action], "Never mind")
    value = SyncValue(reply.app, reply.environment, reply.shown)
    pressed = layout.button(LABELS[reply.action], ACTIONS[reply.action], value, style="danger", confirm=ask)
    bound = "The button works only for what is shown here: if that changes first, you are asked again."
    return rendered(said, [*shown, *layout.actions([pressed]), context(bound)])


def _changes(reply: SyncAsked) -> list[str]:
    if reply.changes is None:
        return ["Argo CD does not say what the sync would change."]
    if not reply.changes:
        return ["By Argo CD's last comparison nothing differs from git: the sync applies everything once more."]
    return ["What it changes:", *drift.lines(reply.changes)]


def _running(operation: Operation | None) -> list[str]:
    if operation is None:
        return ["Argo CD reports no sync."]
    at = f" since {moment(operation.started_at, DAY_AND_TIME)}" if operation.started_at else ""
    by = f", requested by {code(operation.by, 80)}" if words.clean(operation.by) else ", started automatically"
    of = f" of {code(operation.revision[:7], 20)}" if operation.revision else ""
    return [f"The sync{of} is running{at}{by}. What it has applied already stays."]


def synced(app: str, environment: str, by: Person, action: SyncAction, past: tuple[str, ...]) -> Rendered:
    """For the channels."""
    what = "stopped the sync of" if action is SyncAction.TERMINATE else "asked Argo CD to sync"
    in_spite = f" Despite: {safe(' '.join(past), 600)}" if past else ""
    return sentence(f"🔄 {words.mention(by)} {what} {place(app, environment)}.{in_spite}")
