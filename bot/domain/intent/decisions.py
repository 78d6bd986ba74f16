"""What people say about a promotion that is there."""

from dataclasses import dataclass

from bot.domain.intent.base import Intent
from bot.domain.intent.wishes import Wish


@dataclass(frozen=True, kw_only=True)
class Approve(Intent):
    """`content_hash` is what the card showed: a yes to something else is refused."""

    promotion: str
    content_hash: str


@dataclass(frozen=True, kw_only=True)
class ShowApps(Intent):
    """The list of all apps, in a window: of a promotion, or of a wish that has not started."""

    promotion: str = ""
    wish: Wish | None = None

    @property
    def apps(self) -> tuple[str, ...]:
        return self.wish.named_apps if self.wish else ()

    @property
    def environment(self) -> str:
        return self.wish.environment if self.wish else ""


@dataclass(frozen=True, kw_only=True)
class AskReason(Intent):
    """Reject was pressed: ask for the reason."""

    promotion: str
    content_hash: str


@dataclass(frozen=True, kw_only=True)
class Reject(Intent):
    promotion: str
    content_hash: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Adjust(Intent):
    """Apps of a release train that are not to go, and apps that are to go again; the others stay as they are."""

    promotion: str
    left_out: tuple[str, ...] = ()
    taken_in: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Abort(Intent):
    promotion: str


@dataclass(frozen=True, kw_only=True)
class ShowSchedule(Intent):
    """What waits for its time or its turn; `cancel`: the id of one that is not to start."""

    cancel: str = ""


@dataclass(frozen=True, kw_only=True)
class ShowPromotion(Intent):
    promotion: str


@dataclass(frozen=True, kw_only=True)
class CloseReview(Intent):
    promotion: str
    note: str
