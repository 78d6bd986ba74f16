"""Which subscribers hear of a piece of news, and who has muted it."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain import slack_id
from bot.domain.caller import Permission, Target
from bot.domain.delivery import News
from bot.domain.errors import NotFound
from bot.domain.subscription import ANNOTATION, NewsMute, Subscription
from bot.policy import EVERY, Policy, may
from bot.ports import Directory
from bot.store.subscriptions import SubscriptionStore


@dataclass(frozen=True)
class Audience:
    """The subscriptions and mutes that hold now; what a person may see is looked up for each piece of news."""

    policy: Policy
    directory: Directory
    subscriptions: tuple[Subscription, ...]
    mutes: tuple[NewsMute, ...]

    async def of(self, news: News) -> tuple[str, ...]:
        """Subscribers who may know of it now. Raises IntegrationError where Slack cannot say who they are."""
        found = [one for one in self.subscriptions if one.covers(news.app, news.environment, news.event)]
        return tuple(dict.fromkeys([one.listener for one in found if await self._allowed(one, news)]))

    def awake(self, listeners: Iterable[str], news: News) -> list[str]:
        """Those of them who have not muted it."""
        quiet = {one.listener for one in self.mutes if one.scope.covers(news.app, news.environment, news.event)}
        return [listener for listener in listeners if listener not in quiet]

    async def _allowed(self, one: Subscription, news: News) -> bool:
        """A person must still view the app; a channel needs somebody who may still subscribe it."""
        if one.by == ANNOTATION:
            return True
        person = slack_id.is_user(one.listener)
        try:
            caller = await self.directory.caller(one.listener if person else one.by)
        except NotFound:
            return False
        scope = one.scope
        there = Target(news.app, news.environment)
        if person:
            return may(self.policy, caller, Permission.VIEW, there)
        return may(self.policy, caller, Permission.SUBSCRIBE, Target(scope.app or EVERY, scope.environment or EVERY))


@dataclass(frozen=True)
class Listeners:
    store: SubscriptionStore
    policy: Policy
    directory: Directory

    async def now(self, at: float) -> Audience:
        """Read once for many news. `at`: seconds since the epoch."""
        return Audience(self.policy, self.directory, await self.store.all(), await self.store.muted(at))
