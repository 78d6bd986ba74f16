"""A commit by hand to a place that was locked or frozen is marked, where it is certain that it was so when it came."""

from datetime import datetime, timedelta

import pytest

from bot.deliveries.past_holds import PastHolds
from bot.domain.caller import Person
from bot.domain.delivery import Deployment
from bot.domain.event import Event
from bot.domain.safety import Freeze, HeldThen, Lock
from bot.policy import parse
from bot.store.delivery_news import NewsStore
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore
from tests.unit.bot.deliveries.test_branch_observer import NOW, Branch, branch

__all__ = ["branch"]

ANA, MIA = Person("U0ANA", "Ana"), Person("U0MIA", "Mia")
HOUR = timedelta(hours=1)
NIGHTS = (
    "environments: [{name: development}, {name: production, gates: {freeze: {exempt_apps: [other], windows: "
    "[{kind: deny, cron: '0 18 * * *', duration: 12h, reason: the night}]}}}]"
)


def lock(app: str, since: datetime, until: datetime | None = None) -> Lock:
    return Lock(app, "production", ANA, "a migration", since, until)


async def locked(branch: Branch, *locks: Lock, policy: str = "{}") -> None:
    """From before the next look on; what is held is asked as the app does."""
    store = LockStore(branch.database)
    branch.observer.holds = PastHolds(store, FreezeStore(branch.database), parse(policy))
    async with branch.database.begin() as connection:
        for one in locks:
            await store.take(connection, one)


async def committed(branch: Branch, app: str = "my-app", tag: str = "v2") -> Deployment:
    branch.commit(app, "production", tag)
    await branch.observer.look()
    return next(one for one in await branch.known() if one.app == app)


@pytest.mark.parametrize(
    ("locks", "held"),
    [
        ([lock("", NOW - HOUR)], HeldThen(False, "Ana", "", "a migration")),
        ([lock("my-app", NOW - HOUR), lock("", NOW - HOUR)], HeldThen(False, "Ana", "my-app", "a migration")),
        ([lock("my-app", NOW + HOUR / 2), lock("", NOW - HOUR)], HeldThen(False, "Ana", "", "a migration")),
        ([lock("my-app", NOW + HOUR / 2)], None),
        ([lock("my-app", NOW - HOUR, until=NOW + HOUR / 2)], None),
        ([lock("other", NOW - HOUR)], None),
        ([], None),
    ],
    ids=["the environment", "the app first", "an older one", "taken since", "over by now", "of another app", "none"],
)
async def test_a_commit_by_hand_past_a_lock(branch: Branch, locks: list[Lock], held: HeldThen | None) -> None:
    """The branch was looked at when the clock said NOW, and is again an hour later."""
    await locked(branch, *locks)
    await branch.observer.look()
    branch.now = NOW + HOUR
    assert (await committed(branch)).held == held
    async with branch.database.reading() as connection:
        news = await NewsStore(branch.database).newest(connection, "my-app", "production", Event.DEPLOYED)
    assert news
    assert news.held == held


async def test_a_lock_that_was_released_before_anybody_looked_is_not_known(branch: Branch) -> None:
    await locked(branch, lock("my-app", NOW - HOUR))
    await branch.observer.look()
    branch.commit("my-app", "production", "v2")
    async with branch.database.begin() as connection:
        await LockStore(branch.database).release(connection, "my-app", "production")
    await branch.observer.look()
    assert [one.held for one in await branch.known()] == [None]


async def test_past_a_freeze_that_somebody_called_and_past_the_policys_own(branch: Branch) -> None:
    await locked(branch, policy=NIGHTS)
    freeze = Freeze("f1", "production", MIA, "the sale", NOW - HOUR, NOW + 9 * HOUR, exempt_apps=("other",))
    async with branch.database.begin() as connection:
        await FreezeStore(branch.database).call(connection, freeze)
    await branch.observer.look()
    assert (await committed(branch)).held == HeldThen(True, "Mia", "", "the sale")
    branch.now = NOW + 20 * HOUR
    await branch.observer.look()
    branch.now = NOW + 21 * HOUR
    assert (await branch.known())[-1].held
    branch.commit("my-app", "production", "v3")
    branch.commit("other", "production", "v3")
    await branch.observer.look()
    newest = {one.app: one.held for one in await branch.known() if one.images[0].labels[1] == "v3"}
    assert newest == {"my-app": HeldThen(True, "", "", "the night"), "other": None}


async def test_a_window_that_opened_in_between_is_not_said(branch: Branch) -> None:
    await locked(branch, policy=NIGHTS)
    branch.now = NOW + 20 * HOUR
    await branch.observer.look()
    branch.now = NOW + 44 * HOUR
    assert (await committed(branch)).held is None


async def test_a_pipelines_own_commit_is_not_one_by_hand(branch: Branch) -> None:
    await locked(branch, Lock("my-app", "development", ANA, "a migration", NOW - HOUR))
    branch.commit("my-app", "development", "v2", "Build\n\nPipeline-Run: my-app-x1")
    await branch.observer.look()
    assert [one.held for one in await branch.known()] == [None]
