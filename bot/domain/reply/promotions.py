"""What became of a wish, and promotions as they stand."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.intent import BreakingWish, Wish
from bot.domain.overlay import Commit, OverlayImage
from bot.domain.promotion import Promotion
from bot.domain.queueing import Waiting
from bot.domain.reply.base import Reply, Silent


@dataclass(frozen=True)
class Started(Reply):
    """The card is on its way to `channel`; `existing` when the same request had started it before."""

    promotion: Promotion
    channel: str
    existing: bool = False
    here: bool = False
    """whether that is where it was asked for: the card follows right below"""
    unchanged: tuple[str, ...] = ()
    """apps that were named, and of which nothing would change"""

    @property
    def about(self) -> Promotion | None:
        return None if self.here else self.promotion


@dataclass(frozen=True)
class Decided(Reply):
    """What somebody typed is done to a promotion; `what` is the verb ("approved"). Its card is elsewhere."""

    promotion: Promotion
    what: str

    @property
    def about(self) -> Promotion | None:
        return self.promotion


def decided(promotion: Promotion, what: str, channel: str) -> Reply:
    """Nothing where the card is in the conversation in which it was typed: it shows who decided."""
    return Silent() if channel == promotion.plan.channel else Decided(promotion, what)


@dataclass(frozen=True)
class Occupied(Reply):
    """It was not started, because `promotion` is under way there; `sentence` says whose it is.

    `promotion` is None where the asker may not view all of it.
    """

    sentence: str
    promotion: Promotion | None
    wish: Wish

    @property
    def about(self) -> Promotion | None:
        return self.promotion


@dataclass(frozen=True)
class GlassAsked(Reply):
    """Nothing was started: `promotion` is what would be, and names what a broken glass skips; `wish` is asked again."""

    promotion: Promotion
    wish: BreakingWish


@dataclass(frozen=True)
class OlderAsked(Reply):
    """Nothing was started: `promotion` would go back to an older image; `wish` is asked again by the press."""

    promotion: Promotion
    wish: Wish


@dataclass(frozen=True)
class Unhindered(Reply):
    """Nothing holds it back, and it has not started: `wish` is asked again by the press."""

    promotion: Promotion
    wish: Wish


@dataclass(frozen=True)
class Queued(Reply):
    """The wish starts when `behind` has ended; `replacing`: which is being aborted for it.

    `behind` is None where the asker may not view all of it.
    """

    behind: Promotion | None
    replacing: bool = False
    instead_of: Waiting | None = None
    """what the same person had waiting there, which no longer starts"""

    @property
    def about(self) -> Promotion | None:
        return self.behind


@dataclass(frozen=True)
class Postponed(Reply):
    """It starts later: `promotion` is what would start now, and what its gates say."""

    promotion: Promotion
    wish: Wish
    instead_of: Waiting | None = None
    """as in `Queued`"""


@dataclass(frozen=True)
class Scheduled(Reply):
    """What waits for its time or its turn."""

    waiting: tuple[Waiting, ...]


@dataclass(frozen=True)
class Shown(Reply):
    """A promotion as it stands, to look at."""

    promotion: Promotion

    @property
    def about(self) -> Promotion | None:
        return self.promotion


@dataclass(frozen=True)
class ApprovalRequests(Reply):
    """The promotions that wait for the asker's yes. A press for one in `careful` asks once more."""

    promotions: tuple[Promotion, ...]
    careful: frozenset[str]

    @property
    def about(self) -> Promotion | None:
        return self.promotions[0] if len(self.promotions) == 1 else None


@dataclass(frozen=True)
class DryRun(Reply):
    """The verdict card, without buttons and without effect."""

    promotion: Promotion
    wish: Wish
    approvers: str = ""
    """who would be asked, as text with live mentions"""


@dataclass(frozen=True)
class RollbackChoice:
    """An image that the environment ran before, and when and through which commit it came."""

    image: OverlayImage
    since: datetime
    commit: Commit
    verified: bool = False
    """whether a promotion saw it Healthy there"""
    synced: bool = False
    """whether Argo CD has it in its history; False where it cannot tell"""


@dataclass(frozen=True)
class RollbackChoices(Reply):
    """`running` is what git pins; `runs` says what is so instead, "" when Argo CD runs that."""

    app: str
    environment: str
    running: OverlayImage
    choices: tuple[RollbackChoice, ...]
    careful: bool = False
    """the environment is the last one: a press asks once more"""
    runs: str = ""
