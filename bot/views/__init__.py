"""How things look: domain values to Block Kit and the text that stands for it. Pure."""

from bot.views.alerts import alert_group, failed_run
from bot.views.card import card, dry_run
from bot.views.direct import approval_request
from bot.views.home import home
from bot.views.notes import notice, pull_request_body, ready, reminder, result, thread_note
from bot.views.picker import closing_modal, loading_modal, modal, options
from bot.views.reply import render

__all__ = [
    "alert_group",
    "approval_request",
    "card",
    "closing_modal",
    "dry_run",
    "failed_run",
    "home",
    "loading_modal",
    "modal",
    "notice",
    "options",
    "pull_request_body",
    "ready",
    "reminder",
    "render",
    "result",
    "thread_note",
]
