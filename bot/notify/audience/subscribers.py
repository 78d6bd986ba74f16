"""Which subscribers hear of a piece of news, and who has muted it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain import slack_id
from bot.domain.caller import Caller, Permission, Target
from bot.domain.delivery import News
from bot.domain.errors import NotFound
from bot.domain.subscription import ANNOTATION, NewsMute, Scope, Subscription
from bot.policy import EVERY, Policy, may
from bot.ports import Directory
from bot.store.subscriptions import SubscriptionStore

Known = Mapping[str, Caller | None]


@dataclass(frozen=True)
class Audience:
    """The subscriptions and mutes that hold now. `known`: those of whom Slack has said by now who they are; None stands
    for whom it does not know.
    """

    policy: Policy
    subscriptions: tuple[Subscription, ...]
    mutes: tuple[NewsMute, ...]

    def deciding(self, news: News) -> tuple[str, ...]:
        """The ids of those on whose rights it depends who hears of it."""
        muters = [one.by for one in self._muting(news) if one.by and not slack_id.is_user(one.listener)]
        return tuple(dict.fromkeys([*filter(None, map(_decides, self._covering(news))), *muters]))

    def listeners(self, news: News) -> tuple[str, ...]:
        """All that have subscribed to it, whatever they may know of."""
        return tuple(dict.fromkeys(one.listener for one in self._covering(news)))

    def of(self, news: News, known: Known) -> tuple[str, ...]:
        """Subscribers who may know of it now, of those that are known."""
        found = [one.listener for one in self._covering(news) if self._allowed(one, news, known)]
        return tuple(dict.fromkeys(found))

    def unknown(self, news: News, known: Known) -> bool:
        """Whether there is a subscriber of whom nobody can say now whether they may know of it."""
        return any((person := _decides(one)) and person not in known for one in self._covering(news))

    def awake(self, listeners: Iterable[str], news: News, known: Known) -> list[str]:
        """Those of them who have not muted it."""
        quiet = {one.listener for one in self._muting(news) if self._silences(one, known)}
        return [listener for listener in listeners if listener not in quiet]

    def _covering(self, news: News) -> list[Subscription]:
        return [one for one in self.subscriptions if one.covers(news.app, news.environment, news.event)]

    def _muting(self, news: News) -> list[NewsMute]:
        return [one for one in self.mutes if one.scope.covers(news.app, news.environment, news.event)]

    def _silences(self, mute: NewsMute, known: Known) -> bool:
        """A channel is silent only while who muted it may mute it; where nobody can tell, it hears."""
        if slack_id.is_user(mute.listener):
            return True
        muter = known.get(mute.by) if mute.by else None
        return muter is not None and self._speaks(muter, mute.scope)

    def _speaks(self, caller: Caller, scope: Scope) -> bool:
        """For a channel, of what is in the scope."""
        return may(self.policy, caller, Permission.SUBSCRIBE, Target(scope.app or EVERY, scope.environment or EVERY))

    def _allowed(self, one: Subscription, news: News, known: Known) -> bool:
        """A person must still view the app; a channel needs somebody who may still subscribe it."""
        person = _decides(one)
        if not person:
            return True
        caller = known.get(person)
        if caller is None:
            return False
        if slack_id.is_user(one.listener):
            return may(self.policy, caller, Permission.VIEW, Target(news.app, news.environment))
        return self._speaks(caller, one.scope)


def _decides(one: Subscription) -> str:
    """The id of the person on whose rights it depends; "" where it depends on nobody's."""
    if one.by == ANNOTATION:
        return ""
    return one.listener if slack_id.is_user(one.listener) else one.by


@dataclass(frozen=True)
class Listeners:
    store: SubscriptionStore
    policy: Policy
    directory: Directory

    async def seen(self, person: str, news: Iterable[News]) -> tuple[News, ...]:
        """Those that a person may know of now. Raises IntegrationError while Slack cannot say who they are."""
        caller = await self.who(person)
        if caller is None:
            return ()
        return tuple(one for one in news if may(self.policy, caller, Permission.VIEW, Target(one.app, one.environment)))

    async def now(self, at: float) -> Audience:
        """Read once for many news. `at`: seconds since the epoch."""
        return Audience(self.policy, await self.store.all(), await self.store.muted(at))

    async def who(self, person: str) -> Caller | None:
        """None for an id that Slack does not know. Raises IntegrationError."""
        try:
            return await self.directory.caller(person)
        except NotFound:
            return None
