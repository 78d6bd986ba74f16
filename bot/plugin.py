"""All that a package of somebody else's may import: what commands, gates and notifiers are made of.

`docs/extending.md` says how; `docs/examples/office-hours` is such a package. What `__all__` names stays as it is within
a minor version; anything else in `bot` may move at any time.
"""

from bot.command import command
from bot.domain.application import Application, ApplicationRef
from bot.domain.caller import Caller, Permission, Person
from bot.domain.errors import Advice, IntegrationError, InvalidCommand, NotFound, Refused, Unavailable, UserError
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.image import Artifact, Image
from bot.domain.intent import Context, Intent
from bot.domain.promotion import Kind, Move, Plan, Verdict
from bot.domain.reply import Reply, Told
from bot.domain.shortcut import Shortcut
from bot.evaluation.question import Gate, Options, Question
from bot.grammar import Place, Slots, Words
from bot.notify.notifiers import Notice, Notifier
from bot.policy import Policy
from bot.ports import (
    Alerts,
    Applications,
    Directory,
    Freezes,
    Locks,
    Messenger,
    OverlaySource,
    Pipelines,
    Registry,
    Rendered,
    Signatures,
)

__all__ = [
    "Advice",
    "Alerts",
    "Application",
    "ApplicationRef",
    "Applications",
    "Artifact",
    "Caller",
    "CommandForm",
    "Context",
    "Directory",
    "Filled",
    "FormField",
    "Freezes",
    "Gate",
    "Image",
    "Input",
    "IntegrationError",
    "Intent",
    "InvalidCommand",
    "Kind",
    "Locks",
    "Messenger",
    "Move",
    "NotFound",
    "Notice",
    "Notifier",
    "Options",
    "OverlaySource",
    "Permission",
    "Person",
    "Pipelines",
    "Place",
    "Plan",
    "Policy",
    "Question",
    "Refused",
    "Registry",
    "Rendered",
    "Reply",
    "Shortcut",
    "Signatures",
    "Slots",
    "Told",
    "Unavailable",
    "UserError",
    "Verdict",
    "Words",
    "command",
]
