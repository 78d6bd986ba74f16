"""From what a command answers to how it looks."""

from dataclasses import replace
from functools import singledispatch

from bot.domain.approval import needs_approval
from bot.domain.promotion import Promotion, Stage
from bot.domain.reply import (
    Abilities,
    ApprovalRequests,
    ChangeHistory,
    Decided,
    Delegated,
    DoraReport,
    DryRun,
    FreezeCalled,
    GlassAsked,
    HelpPage,
    Holds,
    Identity,
    ImageRejected,
    LockHeld,
    LockTaken,
    Occupied,
    OlderAsked,
    Postponed,
    Queued,
    Reply,
    RollbackChoices,
    RunDetail,
    RunList,
    RunLog,
    ScanReport,
    ScanReports,
    Scheduled,
    Shown,
    Silent,
    Started,
    StatusDetail,
    StatusOverview,
    Subscribed,
    SyncAsked,
    Told,
    Unhindered,
)
from bot.ports import Rendered
from bot.views.card import dry_run, headline, shown
from bot.views.direct import approval_requests
from bot.views.dora import dora_report
from bot.views.glass import glass_asked
from bot.views.help import help_page
from bot.views.history import abilities, history, identity
from bot.views.layout import actions, section, sentence, told
from bot.views.older import older_asked
from bot.views.queueing import occupied, postponed, queued, scheduled, unchanged, unhindered, wish_apps
from bot.views.rollback import rollback_choices
from bot.views.rows import cuts_rows
from bot.views.runs import run_detail, run_list, run_log
from bot.views.safety import (
    delegated,
    freeze_called,
    holds,
    image_rejected,
    lock_held,
    lock_taken,
)
from bot.views.scan import scan_report, scan_reports
from bot.views.status import status_overview
from bot.views.subscriptions import subscribed
from bot.views.sync import status_detail, sync_asked
from bot.views.words import bold, channel_mention, code


@singledispatch
def render(reply: Reply) -> Rendered:
    """How a reply looks. Raises TypeError for those that open a modal (`picker.modal`) and for unknown ones."""
    raise TypeError(f"{type(reply).__name__} is not shown as a message")


@render.register
def _(reply: Told) -> Rendered:
    return told(reply.sentence)


@render.register
def _(_reply: Silent) -> Rendered:
    return Rendered("")


@render.register
def _(reply: Decided) -> Rendered:
    """By its id alone: of a release train not every app is everybody's to know."""
    where = channel_mention(reply.promotion.plan.channel)
    return sentence(f"You {reply.what} {code(reply.promotion.id)}. Its card in {where} shows what happens next.")


@render.register
def _(reply: Started) -> Rendered:
    what = bold(headline(reply.promotion), 300)
    where = channel_mention(reply.channel)
    stands = _stands(reply.promotion)
    beside = unchanged(reply.unchanged, reply.promotion.plan.environment)
    if reply.existing:
        return sentence(f"{what} {stands} already: its card is in {where}.{beside}")
    return sentence(f"{what} {stands}{'.' if reply.here else f': follow its card in {where}.'}{beside}")


def _stands(promotion: Promotion) -> str:
    if not needs_approval(promotion):
        return "is under way"
    gates = "its gates, and then for " if promotion.stage is Stage.GATES and promotion.plan.gates else ""
    return f"waits for {gates}an approval"


@render.register
def _(reply: DoraReport) -> Rendered:
    return dora_report(reply)


@render.register
def _(reply: DryRun) -> Rendered:
    message = dry_run(reply.promotion, approvers=reply.approvers)
    plan = reply.promotion.plan
    if beside := unchanged(reply.wish.beside(plan.apps), plan.environment):
        message = replace(message, blocks=(*message.blocks[:-1], section(beside.strip()).to_dict(), message.blocks[-1]))
    if not cuts_rows(reply.promotion, ticks=False):
        return message
    every = (block.to_dict() for block in actions([wish_apps(reply.promotion, reply.wish)]))
    return replace(message, blocks=(*message.blocks[:-1], *every, message.blocks[-1]))


@render.register
def _(reply: Shown) -> Rendered:
    return shown(reply.promotion)


render.register(ApprovalRequests, approval_requests)
render.register(Occupied, occupied)
render.register(Queued, queued)
render.register(Postponed, postponed)
render.register(Unhindered, unhindered)
render.register(Scheduled, scheduled)
render.register(GlassAsked, glass_asked)
render.register(OlderAsked, older_asked)
render.register(StatusOverview, status_overview)
render.register(StatusDetail, status_detail)
render.register(SyncAsked, sync_asked)
render.register(ScanReport, scan_report)
render.register(ScanReports, scan_reports)
render.register(RunList, run_list)
render.register(RunDetail, run_detail)
render.register(RunLog, run_log)
render.register(RollbackChoices, rollback_choices)
render.register(HelpPage, help_page)
render.register(LockTaken, lock_taken)
render.register(LockHeld, lock_held)
render.register(Holds, holds)
render.register(FreezeCalled, freeze_called)
render.register(ImageRejected, image_rejected)
render.register(Subscribed, subscribed)
render.register(Delegated, delegated)
render.register(ChangeHistory, history)
render.register(Identity, identity)
render.register(Abilities, abilities)
