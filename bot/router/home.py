"""The Home tab: drawn anew each time that somebody opens it."""

from bot.domain.caller import Caller, Permission, Target
from bot.domain.delivery import Fact, HealthChanged
from bot.domain.intent import Context, Status
from bot.overlays.catalog import Catalog
from bot.policy import Policy, may
from bot.ports import Modals
from bot.promotions.promotions import Promotions
from bot.queries.board import StatusBoards
from bot.queries.holds import HoldsQuery
from bot.safety.subscriptions import SubscriptionService
from bot.store.deliveries import DeliveryStore
from bot.views import closing_modal, home
from bot.views.refusal import refusal

EXAMPLES = ("/deploy", "/status", "/pipeline list", "/pilothouse help")


class Home:
    def __init__(
        self,
        catalog: Catalog,
        boards: StatusBoards,
        promotions: Promotions,
        holds: HoldsQuery,
        record: DeliveryStore,
        subscriptions: SubscriptionService,
        policy: Policy,
        modals: Modals,
    ) -> None:
        self._catalog = catalog
        self._boards = boards
        self._promotions = promotions
        self._record = record
        self._subscriptions = subscriptions
        self._policy = policy
        self._holds = holds
        self._modals = modals

    async def show(self, caller: Caller) -> None:
        board = await self._boards.page(Status(context=Context("", "", "")), caller)
        held = await self._holds.holds(caller)
        shown = home(
            await self._promotions.recent(caller, live=True),
            board.rows,
            commands=EXAMPLES,
            page=board.page,
            reviews=held.reviews,
            unwell=await self._unwell(caller),
            subscriptions=await self._subscriptions.mine(caller),
        )
        await self._modals.publish_home(caller.id, shown)

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
