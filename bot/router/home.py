"""The Home tab: drawn anew each time that somebody opens it."""

from bot.domain.authorship import same_person
from bot.domain.caller import Caller, Permission, Target
from bot.domain.delivery import Fact, HealthChanged
from bot.domain.errors import IntegrationError
from bot.domain.intent import Context, Status
from bot.domain.promotion import Promotion
from bot.domain.safety import Review
from bot.overlays.catalog import Catalog
from bot.policy import Policy, may
from bot.ports import Modals
from bot.promotions.promotions import Promotions
from bot.promotions.schedule import Schedule
from bot.queries.holds import HoldsQuery
from bot.queries.overview import OverviewQuery
from bot.safety.subscriptions import SubscriptionService
from bot.store.deliveries import DeliveryStore
from bot.views import closing_modal, home
from bot.views.home import HomeTab
from bot.views.refusal import refusal

EXAMPLES = ("/deploy", "/status", "/pipeline list", "/pilothouse help")


class Home:
    def __init__(
        self,
        catalog: Catalog,
        overview: OverviewQuery,
        promotions: Promotions,
        holds: HoldsQuery,
        record: DeliveryStore,
        subscriptions: SubscriptionService,
        schedule: Schedule,
        policy: Policy,
        modals: Modals,
    ) -> None:
        self._catalog = catalog
        self._overview = overview
        self._promotions = promotions
        self._record = record
        self._subscriptions = subscriptions
        self._schedule = schedule
        self._policy = policy
        self._holds = holds
        self._modals = modals

    async def show(self, caller: Caller) -> None:
        overview = await self._overview.page(Status(context=Context("", "", "")), caller)
        held = await self._holds.holds(caller)
        shown = HomeTab(
            await self._promotions.recent(caller, live=True),
            overview.rows,
            await self._mine(caller),
            tuple(one for one in held.reviews if self._may_close(one, caller)),
            held,
            await self._unwell(caller),
            await self._schedule.waiting(caller),
            await self._subscriptions.mine(caller),
            overview.page,
        )
        await self._modals.publish_home(caller.id, home(shown, EXAMPLES))

    async def _mine(self, caller: Caller) -> tuple[Promotion, ...] | None:
        """What waits for the caller's approval; None where that cannot be said now."""
        try:
            return await self._promotions.waiting_for(caller)
        except IntegrationError:
            return None

    def _may_close(self, review: Review, caller: Caller) -> bool:
        """As `/review` decides: an approver of each of its apps, who did not break the glass."""
        targets = [Target(app, review.environment) for app in review.apps]
        allowed = all(may(self._policy, caller, Permission.APPROVE, target) for target in targets)
        return allowed and not same_person(caller.person, review.by, self._policy.people)

    async def _unwell(self, caller: Caller) -> tuple[Fact, ...]:
        """By the delivery record, of what the caller may view: the last environments first, then the newest illness.

        An app whose overlay is gone is left out: the observer no longer follows it, so its illness stays on record.
        """
        overlays = (await self._catalog.listing()).overlays
        order = {environment.name: environment.order for environment in self._policy.environments}
        ill = [
            fact
            for fact in await self._record.latest("health")
            if isinstance(fact.detail, HealthChanged)
            and not fact.detail.healthy
            and (fact.app, fact.environment) in overlays
            and may(self._policy, caller, Permission.VIEW, Target(fact.app, fact.environment))
        ]
        return tuple(sorted(ill, key=lambda fact: (-order[fact.environment], -fact.at.timestamp(), fact.app)))

    async def refuse(self, user: str, sentence: str) -> None:
        blocks = closing_modal("Pilothouse", refusal(sentence).text)["blocks"]
        await self._modals.publish_home(user, {"type": "home", "blocks": blocks})
