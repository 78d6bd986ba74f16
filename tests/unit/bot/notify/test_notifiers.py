"""Notifiers of installed packages: told what happens, at least once and in order, and in nobody's way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from bot.domain.errors import PolicyError, Refused, Unavailable
from bot.domain.event import Event
from bot.domain.promotion import Phase, Promotion, Stage
from bot.notify import Announcer, Outbox
from bot.notify import notifiers as module
from bot.notify.ledger import Deed, Ledger
from bot.notify.notifiers import ADDRESS, Notice, Notifiers, load_notifiers
from bot.policy import Policy
from bot.ports import Directory
from bot.store.audit import Audit
from bot.views.layout import sentence
from tests.fakes.directory import FakeDirectory
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queues import delivered
from tests.unit.bot.notify.conftest import Clock, Process
from tests.views.samples import AT, plan, promotion
from tests.waiting import until

DONE = promotion(Stage.DONE, Phase.SUCCEEDED, finished_at=AT)
DOWN = Unavailable("pager", "tell it", "no answer")


@dataclass
class Pager:
    """`fails` holds what is raised next; `held` keeps whatever is told waiting."""

    name: ClassVar[str] = "pager"
    heard: list[Notice] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    held: asyncio.Event | None = None

    async def tell(self, notice: Notice) -> None:
        if self.held:
            await self.held.wait()
        if self.fails:
            raise self.fails.pop(0)
        self.heard.append(notice)


@pytest.fixture
def pager() -> Pager:
    return Pager()


@pytest.fixture
def paged(bot: Process, messenger: FakeMessenger, policy: Policy, clock: Clock, pager: Pager) -> Process:
    """The process, with a notifier."""
    outbox = Outbox(bot.messages, messenger, Notifiers([pager]), clock=clock)
    return replace(bot, outbox=outbox, announcer=Announcer(outbox, policy))


@pytest.fixture
async def delivering(paged: Process) -> AsyncIterator[None]:
    task = asyncio.create_task(paged.outbox.deliver_forever())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def events(pager: Pager) -> list[str]:
    return [notice.event for notice in pager.heard]


async def test_it_hears_of_a_promotion_once_for_each_event_whatever_the_routes_say(
    paged: Process, pager: Pager
) -> None:
    train = replace(DONE, plan=plan(environment="development"))
    for event in (Event.STARTED, Event.STARTED, Event.DONE):
        await paged.tell(train, event)
    await delivered(paged.outbox)
    assert events(pager) == ["started", "done"]
    first, last = pager.heard
    assert (first.apps, first.environment, first.subject) == (train.apps, "development", train.id)
    assert first.subject == last.subject
    assert first.key != last.key
    assert "my-app" in last.text


async def test_it_hears_of_what_people_do_besides(paged: Process, pager: Pager, policy: Policy) -> None:
    ledger = Ledger(paged.database, Audit(paged.database), paged.outbox, policy)
    deed = Deed(Event.FROZEN, "f1", "U0DEE", "production", ("my-app", "ledger"))
    async with paged.database.begin() as connection:
        await ledger.write(connection, deed, sentence("production is frozen"))
    await delivered(paged.outbox)
    [notice] = pager.heard
    assert (notice.event, notice.apps, notice.text) == ("frozen", ("my-app", "ledger"), "production is frozen")


async def test_without_a_notifier_nothing_is_kept_for_one(bot: Process) -> None:
    await bot.tell(DONE, Event.DONE)
    assert not [one for one in await bot.messages.outbox.due(1e12, 50) if one.entry.channel.startswith(ADDRESS)]


async def test_what_cannot_be_told_now_comes_again_in_order(paged: Process, pager: Pager, clock: Clock) -> None:
    pager.fails = [DOWN, OSError("disk full")]
    for event in (Event.STARTED, Event.DONE):
        await paged.tell(DONE, event)
    for _ in range(4):
        await delivered(paged.outbox)
        clock.now += 60
    assert events(pager) == ["started", "done"]


@pytest.mark.parametrize("fault", [Refused("pager", "tell it", "no such team"), KeyError("team")], ids=str)
async def test_what_never_can_be_told_is_given_up_and_what_is_behind_it_goes(
    paged: Process, pager: Pager, fault: Exception
) -> None:
    pager.fails = [fault]
    for event in (Event.STARTED, Event.DONE):
        await paged.tell(DONE, event)
    await delivered(paged.outbox)
    assert events(pager) == ["done"]
    assert (await paged.outbox.counts()).dead == 1


@pytest.mark.usefixtures("delivering")
async def test_one_that_hangs_holds_nobody_up(paged: Process, pager: Pager, messenger: FakeMessenger) -> None:
    pager.held = asyncio.Event()
    for number in range(3):
        await paged.tell(numbered(number), Event.DONE)
    await until(lambda: len(messenger.in_channel("C0GENERAL")) == 3)
    assert not pager.heard
    pager.held.set()
    await until(lambda: len(pager.heard) == 3)


async def test_one_that_takes_too_long_is_asked_again(
    paged: Process, pager: Pager, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST", 0.0)
    pager.held = asyncio.Event()
    await paged.tell(DONE, Event.DONE)
    await delivered(paged.outbox)
    assert not pager.heard
    pager.held = None
    monkeypatch.undo()
    clock.now += 60
    await delivered(paged.outbox)
    assert events(pager) == ["done"]


async def test_what_waits_for_a_package_that_is_gone_is_given_up(
    bot: Process, paged: Process, messenger: FakeMessenger
) -> None:
    await paged.tell(DONE, Event.DONE)
    await delivered(bot.outbox)
    assert (await bot.outbox.counts()).dead == 1
    assert {message.posted.channel for message in messenger.messages}.isdisjoint({f"{ADDRESS}pager"})


def numbered(number: int) -> Promotion:
    return replace(DONE, plan=replace(DONE.plan, id=f"p-{number}"))


class Asks:
    name: ClassVar[str] = "asks"

    def __init__(self, policy: Policy, directory: Directory) -> None:
        self.given = (policy, directory)

    async def tell(self, notice: Notice) -> None: ...


class AsksForTheMoon(Asks):
    def __init__(self, moon: Sequence[bytes]) -> None: ...


class Silent:
    name: ClassVar[str] = "silent"


class Blocking(Asks):
    def tell(self, notice: Notice) -> None: ...  # type: ignore[override]


@dataclass(frozen=True)
class Entry:
    offered: object
    value: str = "package:thing"

    def load(self) -> object:
        return self.offered


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(*offered: object) -> None:
        monkeypatch.setattr(module, "entry_points", lambda group: [Entry(one) for one in offered if group])

    return install


def test_a_package_gets_what_it_asks_for(installed: Callable[..., None], policy: Policy) -> None:
    installed(Asks)
    assert f"{ADDRESS}asks" in load_notifiers({Policy: policy, Directory: FakeDirectory.seeded()})


@pytest.mark.parametrize("offered", [[AsksForTheMoon], [Silent], [Blocking], ["text"], [Asks, Asks]], ids=str)
def test_what_is_no_notifier_stops_the_start(
    installed: Callable[..., None], policy: Policy, offered: list[object]
) -> None:
    installed(*offered)
    with pytest.raises(PolicyError, match="remove"):
        load_notifiers({Policy: policy, Directory: FakeDirectory.seeded()})
