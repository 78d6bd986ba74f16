"""Wishes that wait for their turn: one live promotion for each app and environment, and whoever comes next."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.intent import Deploy, Promote, Wish


@dataclass(frozen=True)
class Waiting:
    """A wish that starts when nothing of it is under way any more; by whom is asked again then."""

    wish: Wish
    user: str
    team: str
    since: datetime
    first: bool = False
    """before the others: what it waits for is being aborted in its favour"""

    @property
    def about(self) -> str:
        """Where it wants to go: the same person waits there once."""
        return f"{self.wish.environment}/{'/'.join(apps_of(self.wish)) or '*'}"


def apps_of(wish: Wish) -> tuple[str, ...]:
    """The apps that are named; () for a train of all of them."""
    return wish.apps if isinstance(wish, Promote) else (wish.app,)


def what(wish: Wish) -> str:
    """A wish in words: "my-app@v1.4.2 → production"."""
    apps = ", ".join(apps_of(wish)) or "every app"
    image = wish.image if isinstance(wish, Deploy) else "" if isinstance(wish, Promote) else wish.to
    return f"{apps}{'@' if image else ''}{image} → {wish.environment}"
