"""What every answer is, and the plainest of them."""

from dataclasses import dataclass

from bot.domain.promotion import Promotion


@dataclass(frozen=True)
class Reply:
    """Seen by the asker only, unless `public`."""

    @property
    def about(self) -> Promotion | None:
        """The one promotion that it is about and that has a card elsewhere: the answer links to that."""
        return None


@dataclass(frozen=True)
class Told(Reply):
    """One sentence or two. mrkdwn is not interpreted: what is in it is escaped."""

    sentence: str


@dataclass(frozen=True)
class Silent(Reply):
    """Nothing to say: the card says it."""
