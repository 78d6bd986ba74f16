"""What has been delivered, and how well that went."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.delivery import Deployment, Figures
from bot.domain.promotion import Promotion
from bot.domain.reply.base import Reply


@dataclass(frozen=True)
class History(Reply):
    """Newest first."""

    app: str
    environment: str
    promotions: tuple[Promotion, ...]
    others: tuple[Deployment, ...] = ()
    """what changed without Pilothouse"""
    known_since: datetime | None = None
    """from when on such changes are on record; None where nobody has looked yet"""


@dataclass(frozen=True)
class DoraReport(Reply):
    """`known_since`: from when on changes without Pilothouse are on record; None where nobody has looked yet."""

    environment: str
    since: datetime
    known_since: datetime | None
    parts: tuple[Figures, ...]
    total: Figures
