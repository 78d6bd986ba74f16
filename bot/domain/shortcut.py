"""A command in Slack's shortcuts menu, and in the menu of every message."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.intent import Context, Intent

Read = Callable[[str, str, Context], Intent]
"""(app, environment, context) → what is asked; "" where the message that it was chosen on tells of none"""


@dataclass(frozen=True)
class Shortcut:
    """`name`: what stands in the menu, at most 24 characters; `description`: below it, at most 150."""

    name: str
    description: str
    read: Read
