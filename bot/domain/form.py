"""The form of a command: what its picker asks when words are missing, and what it means when it is submitted."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.domain.intent import Context, Intent

EMERGENCY = "In an emergency, type {} instead: it shows which gates it skips, and asks before it starts."
"""below the reason of a promotion"""
LATER = "Leave empty to start at once, or say when: 22:00, tomorrow 9:00 or when open."
"""below the start of a promotion"""


class Input(StrEnum):
    """Inputs of modals; `block_id` and `action_id` are the same, so that an update keeps what was typed (S16)."""

    APP = "app"
    ENVIRONMENT = "environment"
    SOURCE = "source"
    IMAGE = "image"
    TO = "to"
    REASON = "reason"
    REVISION = "revision"
    RUN = "run"
    PROMOTION = "promotion"
    LIVE = "live"
    """a promotion that is under way"""
    TRAIN = "train"
    """a release train that is under way"""
    REVIEW = "review"
    """a promotion whose review is owed"""
    REJECTED = "rejected"
    """a rejected image, as APP@TAG or APP@DIGEST"""
    PERSON = "person"
    UNTIL = "until"
    START = "start"
    """when it starts"""


class Filled(Protocol):
    """What stands in the inputs of a submitted form."""

    def __getitem__(self, name: str) -> str:
        """An empty text where nothing stands."""
        ...


@dataclass(frozen=True)
class FormField:
    input: Input
    needed: bool = False
    hint: str = ""
    label: str = ""
    """in the place of the input's usual one"""


@dataclass(frozen=True)
class CommandForm:
    """`title`: of the window and its button, at most 24 characters. `read` makes the intent of what was filled in."""

    title: str
    fields: tuple[FormField, ...]
    read: Callable[[Filled, Context], Intent]
    bare: bool = True
    """whether the command without words opens it; a shortcut does in any case"""

    @property
    def needed(self) -> tuple[Input, ...]:
        return tuple(field.input for field in self.fields if field.needed)

    def asks(self, *inputs: Input) -> bool:
        return any(field.input in inputs for field in self.fields)
