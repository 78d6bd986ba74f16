"""What commands call: start a promotion, speak to one, look one up."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller
from bot.domain.errors import UserError
from bot.domain.intent import Abort, Adjust, Approve, AskReason, Reject, Rollback, Wish
from bot.domain.promotion import Plan, Promotion
from bot.domain.reply import RollbackChoice

Claim = Callable[[AsyncConnection], Awaitable[None]]
"""asked in the transaction that begins a promotion; raises what keeps it from that"""


class OlderImage(UserError):
    """What would go is older than what production has now, and the asker has not confirmed that; `plan` shows it."""

    def __init__(self, sentence: str, plan: Plan) -> None:
        super().__init__(sentence)
        self.args = (sentence, plan)
        self.plan = plan


class Promotions(Protocol):
    """Raises UserError with the sentence for the person; every effect is authorised again where it happens."""

    async def start(self, wish: Wish, caller: Caller, claim: Claim | None = None) -> Promotion:
        """Plan it and start its story; the same request id returns the promotion that it started before.

        Raises what `claim` raises, UnknownName, NothingToPromote, PromotionInProgress, NotAllowed; Conflict where the
        glass would break for something else than what was shown; OlderImage where the asker must confirm it first.
        """
        ...

    async def rehearse(self, wish: Wish, caller: Caller) -> Promotion:
        """As `preview`, for what is to start later; raises what starting it now would raise for the asker."""
        ...

    async def preview(self, wish: Wish, caller: Caller) -> Promotion:
        """The plan and every gate's verdict, without effect."""
        ...

    async def rollback_choices(self, ask: Rollback) -> tuple[RollbackChoice, ...]:
        """What the environment ran before, newest first."""
        ...

    async def approve(self, ask: Approve, caller: Caller) -> Promotion:
        """Raises NotAllowed (who could), Conflict (the card is stale, or the decision has been made)."""
        ...

    async def consider(self, ask: AskReason, caller: Caller) -> Promotion:
        """The promotion, for who may reject it; raises as `reject` does."""
        ...

    async def reject(self, ask: Reject, caller: Caller) -> Promotion: ...

    async def abort(self, ask: Abort, caller: Caller) -> Promotion: ...

    async def adjust(self, ask: Adjust, caller: Caller) -> Promotion:
        """Leave apps out of a release train, or take them in again; approvals given before are void."""
        ...

    async def get(self, promotion_id: str) -> Promotion:
        """Raises UnknownName."""
        ...

    async def find(self, promotion_id: str, caller: Caller, *, whole: bool = False) -> Promotion:
        """As `get`, for who may know of it: `whole` for who may know of every app of it.

        Raises UnknownName, the same for what is not there and for what is hidden.
        """
        ...

    async def seen(self, promotion: Promotion, caller: Caller) -> tuple[str, ...]:
        """The apps of a promotion that the caller may know of: what one decides on, for whomever, one may see.

        Raises IntegrationError when nobody can tell.
        """
        ...

    async def waiting_for(self, caller: Caller) -> tuple[Promotion, ...]:
        """Those that wait for an approval which the caller may give now, the oldest first. Raises IntegrationError."""
        ...

    async def recent(self, caller: Caller, *, live: bool = False) -> tuple[Promotion, ...]:
        """Those of which the caller may view every app, the newest first; `live`: all that are under way."""
        ...

    async def live(self, app: str, environment: str) -> Promotion | None:
        """The promotion that is under way for this app in this environment."""
        ...
