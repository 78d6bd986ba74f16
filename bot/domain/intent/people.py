"""Who may do what, and in whose place."""

from dataclasses import dataclass

from bot.domain.intent.base import Intent


@dataclass(frozen=True, kw_only=True)
class NameDelegate(Intent):
    """`to` is a Slack user id or an e-mail address; "" = nobody from now on."""

    to: str = ""
    until: str = ""


@dataclass(frozen=True, kw_only=True)
class WhoAmI(Intent):
    """Which roles and permissions the asker has, and why."""


@dataclass(frozen=True, kw_only=True)
class CanI(Intent):
    """What the asker may do there, and who could what they may not."""

    app: str
    environment: str
