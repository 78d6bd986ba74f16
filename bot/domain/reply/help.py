"""The help, as values."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.reply.base import Reply


class Topic(StrEnum):
    """What people come to the help for, in the order in which it is shown; the value is its title."""

    DAILY = "Used most"
    """eight of them: as many as people take in at a glance"""
    DECIDE = "Decide on a promotion"
    LATER = "Later, and who hears of it"
    HOLD = "Hold changes back"
    BUILD = "Pipelines"
    OPERATE = "Run and measure"
    PEOPLE = "You and your rights"
    OTHER = "More"


@dataclass(frozen=True)
class HelpEntry:
    verb: str
    usage: tuple[str, ...]
    summary: str
    details: str = ""
    topic: Topic = Topic.OTHER
    examples: tuple[str, ...] = ()
    """of what is typed, the plainest one first"""


@dataclass(frozen=True)
class HelpPage(Reply):
    """`overview`: of everything there is, by topic; else of what was asked about."""

    entries: tuple[HelpEntry, ...]
    overview: bool = False
