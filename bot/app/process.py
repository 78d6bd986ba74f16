"""How often a process looks, and which of the replicas it is."""

from dataclasses import dataclass, field
from datetime import timedelta

from bot.background.replicas import BEAT, SILENCE
from bot.overlays.catalog import FRESH_SECONDS
from bot.runtime.redaction import Redactor
from bot.workflow.step_parts import CONFIRMED_FOR


@dataclass(frozen=True)
class Timing:
    """How often, and how long. In seconds, where a field does not say otherwise."""

    follow: float = 2.0
    """between two looks at an Argo CD that is followed"""
    watch: float = 10.0
    """between two looks at what was promoted and is watched"""
    listing: float = FRESH_SECONDS
    """how old the list of overlays may be, for what is not planned by it"""
    confirmed_for: timedelta = CONFIRMED_FOR
    beat: timedelta = BEAT
    silence: timedelta = SILENCE


@dataclass(frozen=True)
class Process:
    """Which of its replicas this is, and what it knows of the secrets that it must never print.

    `asked_by_pipelines`: whether they have the token with which they ask before they write.
    """

    replica: str = "pilothouse-0"
    redactor: Redactor = field(default_factory=Redactor)
    asked_by_pipelines: bool = False
