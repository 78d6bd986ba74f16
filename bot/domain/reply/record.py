"""What has been delivered, and how well that went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.delivery import FIXED_WITHIN, Deployment, Figures
from bot.domain.promotion import Promotion
from bot.domain.reply.base import Reply
from bot.domain.source_range import CommitsFound
from bot.domain.trouble import Trouble


@dataclass(frozen=True)
class ChangeHistory(Reply):
    """A page of it, newest first. `page` counts from 1; `more`: there are older ones on the next."""

    app: str
    environment: str
    promotions: tuple[Promotion, ...]
    others: tuple[Deployment, ...] = ()
    """what changed without Pilothouse"""
    known_since: datetime | None = None
    """from when on such changes are on record; None where nobody has looked yet"""
    troubles: tuple[Trouble, ...] = ()
    page: int = 1
    more: bool = False
    commits: Mapping[str, CommitsFound] = field(default_factory=dict)
    """promotion → the source commits that it brought to the app, where they are on record"""


@dataclass(frozen=True)
class DoraPlace:
    """One environment: the figures of each app, and of all of them together."""

    environment: str
    parts: tuple[Figures, ...]
    total: Figures


@dataclass(frozen=True)
class DoraReport(Reply):
    """`known_since`: from when on changes without Pilothouse are on record; None where nobody has looked yet.

    `places` in promotion order, those without a deployment too; `total` is of all of them together.
    """

    places: tuple[DoraPlace, ...]
    since: datetime
    known_since: datetime | None
    total: Figures
    fixed_within: timedelta = FIXED_WITHIN

    @property
    def environments(self) -> tuple[str, ...]:
        return tuple(place.environment for place in self.places)

    @property
    def apps(self) -> tuple[str, ...]:
        """Of any of the environments, by name."""
        return tuple(sorted({part.app for place in self.places for part in place.parts}))
