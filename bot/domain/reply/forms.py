"""Modals that ask for what is missing."""

from dataclasses import dataclass

from bot.domain.form import CommandForm
from bot.domain.promotion import Promotion
from bot.domain.reply.base import Reply


@dataclass(frozen=True)
class TrainApps(Reply):
    """A window with the apps of a release train; `seen` are those that the reader may know of."""

    promotion: Promotion
    seen: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class Picker(Reply):
    """A modal that asks for what a bare command left out. Never preselects one in `careful`, nor the last."""

    verb: str
    form: CommandForm
    apps: tuple[Choice, ...]
    environments: tuple[Choice, ...]
    app: str = ""
    environment: str = ""
    careful: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReasonForm(Reply):
    """A modal that asks why a promotion is rejected."""

    promotion: Promotion
