"""Who wants to hear of what."""

from abc import ABC
from dataclasses import dataclass

from bot.domain.intent.base import Intent


@dataclass(frozen=True, kw_only=True)
class Mute(Intent):
    """No direct messages that ask the asker for approvals."""


@dataclass(frozen=True, kw_only=True)
class OfNews(Intent, ABC):
    """News of an app ("" for all) in an environment ("" for all), of some events (() for all).

    `here`: for the channel where it is said, instead of for the asker.
    """

    app: str = ""
    environment: str = ""
    events: tuple[str, ...] = ()
    here: bool = False


@dataclass(frozen=True, kw_only=True)
class SubscribeNews(OfNews):
    """Tell the asker, or the channel, of such news from now on."""


@dataclass(frozen=True, kw_only=True)
class UnsubscribeNews(OfNews):
    """Tell them no longer."""


@dataclass(frozen=True, kw_only=True)
class MuteNews(OfNews):
    """Tell them nothing of it until `until` (as it was typed)."""

    until: str = ""


@dataclass(frozen=True, kw_only=True)
class Unmute(OfNews):
    """Tell them of it again. Where nothing is named: of everything, and ask the asker for approvals again."""

    @property
    def everything(self) -> bool:
        return not (self.app or self.environment or self.events or self.here)


@dataclass(frozen=True, kw_only=True)
class ShowSubscriptions(Intent):
    """What the asker, and the channel where they ask, are subscribed to, and what is muted."""


@dataclass(frozen=True, kw_only=True)
class Subscribe(Intent):
    """Tell the asker when the gates of a promotion hold."""

    promotion: str
