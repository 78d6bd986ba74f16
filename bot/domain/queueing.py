"""Wishes that wait for their turn: one live promotion for each app and environment, and whoever comes next."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.image import is_digest
from bot.domain.intent import Wish
from bot.domain.promotion import Promotion


@dataclass(frozen=True)
class Waiting:
    """A wish that starts when nothing of it is under way; who may is asked again then."""

    wish: Wish
    user: str
    team: str
    since: datetime
    first: bool = False
    """before the others: what it waits for is being aborted in its favour"""

    @property
    def about(self) -> str:
        """Where it wants to go: the same person waits there once, and once for a message."""
        notify = "?" if self.wish.notify else ""
        return f"{notify}{self.wish.environment}/{'/'.join(self.wish.named_apps) or '*'}"

    def asks_the_same(self, other: "Waiting") -> bool:
        """The same image, and the same time for it."""
        mine, theirs = self.wish, other.wish
        when = (mine.start_at, mine.when_open) == (theirs.start_at, theirs.when_open)
        return when and what(mine) == what(theirs)


CLOSING = frozenset({"lock", "freeze", "window", "soak"})
"""gates whose no ends by itself, or by somebody who opens what they closed"""


def is_closed(promotion: Promotion) -> bool:
    """Whether a gate keeps it waiting that opens again."""
    return any(result.gate in CLOSING for result in promotion.blocked)


def what(wish: Wish) -> str:
    """A wish in words: "my-app@v1.4.2 → production"."""
    apps, image = ", ".join(wish.named_apps) or "every app", wish.named_image
    image = image[: len("sha256:") + 12] if is_digest(image) else image
    return f"{apps}{'@' if image else ''}{image} → {wish.environment}"
