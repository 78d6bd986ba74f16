"""Slack in: the only place that reads what Slack sends."""

from bot.router.listeners import bolt_app
from bot.router.router import Router, open_router

__all__ = ["Router", "bolt_app", "open_router"]
