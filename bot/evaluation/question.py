"""What a gate is asked, and what a gate is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict

from bot.domain.promotion import Move, Plan, Verdict


class Options(BaseModel):
    """The options of a gate, as policy gives them. Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def ask_no_more_than(self, before: Self) -> bool:
        """Whether whatever passes with `before` passes with these: policy was loosened, or says the same.

        A gate that can tell says so here; of any other every change counts as one for the stricter.
        """
        return self == before


@dataclass(frozen=True)
class Question:
    """May these moves of one app happen now? `now` is UTC."""

    plan: Plan
    app: str
    moves: tuple[Move, ...]
    now: datetime
    options: Mapping[str, Any]
    dry_run: bool = False
    """somebody only looks: nothing may be started, anywhere"""

    @property
    def environment(self) -> str:
        return self.plan.environment

    @property
    def source(self) -> str:
        """The environment that the app's images come from; "" where they were named by hand."""
        return next((move.origin for move in self.moves if move.origin), self.plan.source)


class Gate(Protocol):
    """Returns a Verdict; raises IntegrationError when the system it asks does not answer."""

    name: ClassVar[str]
    options: ClassVar[type[Options]]

    async def ask(self, question: Question) -> Verdict: ...
