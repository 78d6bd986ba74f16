"""What a command answers, as values; `bot.views` says how they look."""

from bot.domain.reply.base import Reply, Silent, Told
from bot.domain.reply.forms import Choice, Picker, ReasonForm, TrainApps
from bot.domain.reply.help import HelpEntry, HelpPage, Topic
from bot.domain.reply.holds import FreezeCalled, Holds, ImageRejected, LockHeld, LockTaken
from bot.domain.reply.people import Abilities, Ability, Delegated, Grant, Identity, Subscribed
from bot.domain.reply.promotions import (
    ApprovalRequests,
    Decided,
    DryRun,
    GlassAsked,
    Occupied,
    OlderAsked,
    Postponed,
    Queued,
    RollbackChoice,
    RollbackChoices,
    Scheduled,
    Shown,
    Started,
    Unhindered,
    decided,
)
from bot.domain.reply.record import ChangeHistory, DoraPlace, DoraReport
from bot.domain.reply.runs import RunDetail, RunList, RunLog
from bot.domain.reply.scans import ScanReport, ScanReports
from bot.domain.reply.status import StatusDetail, StatusOverview, StatusPage, StatusRow, SyncAsked

__all__ = [
    "Abilities",
    "Ability",
    "ApprovalRequests",
    "ChangeHistory",
    "Choice",
    "Decided",
    "Delegated",
    "DoraPlace",
    "DoraReport",
    "DryRun",
    "FreezeCalled",
    "GlassAsked",
    "Grant",
    "HelpEntry",
    "HelpPage",
    "Holds",
    "Identity",
    "ImageRejected",
    "LockHeld",
    "LockTaken",
    "Occupied",
    "OlderAsked",
    "Picker",
    "Postponed",
    "Queued",
    "ReasonForm",
    "Reply",
    "RollbackChoice",
    "RollbackChoices",
    "RunDetail",
    "RunList",
    "RunLog",
    "ScanReport",
    "ScanReports",
    "Scheduled",
    "Shown",
    "Silent",
    "Started",
    "StatusDetail",
    "StatusOverview",
    "StatusPage",
    "StatusRow",
    "Subscribed",
    "SyncAsked",
    "Told",
    "Topic",
    "TrainApps",
    "Unhindered",
    "decided",
]
