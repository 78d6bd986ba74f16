"""What is acknowledged is done: by this process or the next, once, and the person hears of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.domain.errors import DatabaseAway, DatabaseInDoubt, DatabaseSlow, InvalidCommand
from bot.domain.promotion import Stage
from bot.ports import Messenger, Modals, Request
from bot.router import open_router
from bot.router.buttons import read_press
from bot.router.forms import read_form
from bot.router.inbox import AT_ONCE
from bot.router.incoming import from_button
from bot.router.wire import kept, unpacked
from bot.views.ids import Action, PromotionValue, encode
from tests.fakes.command_harness import CommandHarness
from tests.fakes.messenger import FakeMessenger

SLASH = {
    "command": "/deploy", "text": "my-app prod", "user_id": "U0ANA", "user_name": "ana", "token": "legacy-token",
    "team_id": "T0PILOT", "channel_id": "C0DEPLOY", "trigger_id": "1.2.3", "response_url": "https://hooks.example/1",
}  # fmt: skip
HOME = {"type": "event_callback", "team_id": "T0PILOT", "event_id": "Ev1",
        "event": {"type": "app_home_opened", "user": "U0ANA", "tab": "home"}}  # fmt: skip


def press(action: Action, promotion: str, content_hash: str = "", who: str = "U0BO") -> dict[str, Any]:
    value = encode(PromotionValue(promotion, content_hash))
    return {
        "type": "block_actions", "user": {"id": who, "team_id": "T0PILOT"}, "team": {"id": "T0PILOT"},
        "channel": {"id": "C0DEPLOY"}, "trigger_id": "1.2.4", "response_url": "https://hooks.example/2",
        "actions": [{"type": "button", "action_id": action, "action_ts": "1.1", "block_id": "b", "value": value}],
    }  # fmt: skip


def rejection(promotion: str, content_hash: str, reason: str) -> dict[str, Any]:
    metadata = json.dumps({"channel": "C0DEPLOY", "p": promotion, "h": content_hash})
    values = {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}
    view = {"id": "V1", "callback_id": "reject", "hash": "1", "private_metadata": metadata, "state": {"values": values}}
    return {"type": "view_submission", "user": {"id": "U0BO", "team_id": "T0PILOT"}, "view": view}


@dataclass
class Windows:
    opened: list[str] = field(default_factory=list)
    homes: list[str] = field(default_factory=list)

    async def open(self, trigger: str, view: Any) -> str:
        self.opened.append(trigger)
        return "V1"

    async def update(self, view_id: str, view: Any) -> None: ...

    async def publish_home(self, user: str, view: Any) -> None:
        self.homes.append(json.dumps(view))


@dataclass
class Life:
    """One process: its router, and what it said to whom."""

    harness: CommandHarness
    now: float = field(default_factory=time.time)
    said: list[str] = field(default_factory=list)
    acked: list[Any] = field(default_factory=list)
    windows: Windows = field(default_factory=Windows)
    messenger: FakeMessenger = field(default_factory=FakeMessenger)

    def __post_init__(self) -> None:
        services = {**self.harness.services, Messenger: self.messenger, Modals: self.windows}
        self.router = open_router(self.harness.registry, services, lambda: self.now)
        self.router.handlers.responding = lambda _url: self.respond

    async def respond(self, **message: Any) -> Any:
        self.said.append(f"{message['text']} {json.dumps(list(message['blocks']), ensure_ascii=False)}")
        return type("Answer", (), {"status_code": 200})

    async def ack(self, *said: Any, **options: Any) -> None:
        self.acked.append((*said, options))

    async def die(self) -> None:
        """Everything that runs is gone, and says no word."""
        for task in self.router._tasks._running:
            task.cancel()
        await asyncio.gather(*self.router._tasks._running, return_exceptions=True)

    async def next(self, seconds: float = 1.0) -> "Life":
        """What comes after it, so many seconds later: it has done what was left."""
        await self.die()
        life = Life(self.harness, self.now + seconds)
        await self.harness.requests.release()
        await life.router.inbox.look()
        await life.idle()
        return life

    async def idle(self) -> None:
        while len(self.router._tasks):  # noqa: ASYNC110 (each of them continues)
            await asyncio.sleep(0)


@pytest.fixture
async def life() -> AsyncIterator[Life]:
    harness = CommandHarness()
    yield Life(harness)
    await harness.safety.database.close()


async def waiting(life: Life) -> Any:
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    only = life.harness.promotions.only
    life.harness.promotions.all[only.id] = replace(only, stage=Stage.APPROVAL)
    return life.harness.promotions.only


async def test_what_was_acknowledged_and_not_begun_is_done_by_the_next_process(life: Life) -> None:
    await life.router.on_command(SLASH, life.ack, life.respond)
    assert life.acked == [({},)]
    after = await life.next()
    assert len(life.harness.promotions.asked) == 1
    assert life.said == []
    assert "an approval" in after.said[0]
    assert "Late" not in after.said[0]
    assert life.harness.requests.pending == {}


async def test_an_answer_that_comes_late_says_so(life: Life) -> None:
    await life.router.on_command(SLASH, life.ack, life.respond)
    after = await life.next(120)
    assert after.said[0].startswith("Late, because Pilothouse was away")
    assert "<!date^" in after.said[0]


@pytest.mark.parametrize("seconds", [29 * 60, 31 * 60])
async def test_what_would_surprise_by_then_is_not_done_and_the_person_hears_that(life: Life, seconds: float) -> None:
    await life.router.on_command(SLASH, life.ack, life.respond)
    after = await life.next(seconds)
    done = seconds < 30 * 60
    assert bool(life.harness.promotions.all) is done
    assert ("Ask again" in after.said[0]) is not done
    assert life.harness.requests.pending == {}


@pytest.mark.parametrize("seconds", [1, 120, 3 * 3600])
async def test_a_vote_counts_however_late_it_is(life: Life, seconds: float) -> None:
    only = await waiting(life)
    await life.router.on_button(press(Action.APPROVE, only.id, only.content_hash), life.ack, life.respond)
    await life.next(seconds)
    assert [vote.approver.id for vote in life.harness.promotions.only.approvals] == ["U0BO"]


TYPED = {**SLASH, "command": "/approve", "user_id": "U0BO", "trigger_id": "1.2.5"}


@pytest.mark.parametrize(("seconds", "counts"), [(1, True), (9, True), (11, False), (20 * 60, False)])
async def test_a_typed_yes_that_comes_late_is_shown_what_it_would_be_for(
    life: Life, seconds: float, *, counts: bool
) -> None:
    """It names no content: what the card showed when it was typed may be something else by now."""
    only = await waiting(life)
    await life.router.on_command({**TYPED, "text": only.id}, life.ack, life.respond)
    after = await life.next(seconds)
    assert bool(life.harness.promotions.only.approvals) is counts
    assert any(str(Action.APPROVE) in said for said in after.said) is not counts


async def test_a_typed_yes_that_comes_late_for_what_is_over_approves_nothing(life: Life) -> None:
    only = await waiting(life)
    await life.router.on_command({**TYPED, "text": only.id}, life.ack, life.respond)
    life.harness.promotions.all[only.id] = replace(only, stage=Stage.COMMIT)
    after = await life.next(60)
    assert "does not wait for your approval now" in after.said[0]
    assert not life.harness.promotions.only.approvals


async def test_a_rejection_counts_however_late_it_is(life: Life) -> None:
    only = await waiting(life)
    await life.router.on_submission(rejection(only.id, only.content_hash, "it is broken"), life.ack)
    await life.next(3 * 3600)
    assert life.harness.promotions.only.rejection


@pytest.mark.parametrize(("seconds", "opened"), [(1, True), (5, False), (3600, False)])
async def test_a_window_that_slack_opens_no_more_is_spoken_of(life: Life, seconds: float, opened: bool) -> None:
    """S15."""
    only = await waiting(life)
    await life.router.on_button(press(Action.REJECT, only.id, only.content_hash), life.ack, life.respond)
    after = await life.next(seconds)
    assert bool(after.windows.opened) is opened
    assert any("window" in said for said in after.said) is not opened


async def test_the_home_tab_is_drawn_late(life: Life) -> None:
    await life.router.on_home(HOME, life.ack)
    after = await life.next(120)
    assert len(after.windows.homes) == 1


async def test_a_second_delivery_does_nothing_whenever_it_comes(life: Life) -> None:
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    assert (len(life.acked), len(life.said)) == (3, 1)
    assert len(life.harness.promotions.asked) == 1


AWAY = DatabaseAway("be written", "locked")


async def test_a_command_that_cannot_be_noted_is_refused_in_the_same_breath(life: Life) -> None:
    life.harness.requests.failing = AWAY
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    [(sentence, _)] = life.acked
    assert "database is away" in sentence
    assert not life.harness.promotions.asked


async def test_a_database_that_is_only_slow_is_not_called_away(life: Life) -> None:
    life.harness.requests.failing = DatabaseSlow("be asked in time to note a request", "2 s")
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    [(sentence, _)] = life.acked
    assert sentence.startswith("The database did not answer in time, so I did nothing.")
    assert not life.harness.promotions.asked


async def test_a_press_that_cannot_be_noted_is_refused(life: Life) -> None:
    only = await waiting(life)
    life.harness.requests.failing = AWAY
    await life.router.on_button(press(Action.APPROVE, only.id, only.content_hash), life.ack, life.respond)
    await life.idle()
    assert "database is away" in life.said[-1]
    assert not life.harness.promotions.only.approvals


async def test_a_form_that_cannot_be_noted_stays_open_with_what_was_filled_in(life: Life) -> None:
    life.harness.requests.failing = AWAY
    await life.router.on_submission(rejection("p-1", "hash", "it is broken"), life.ack)
    [(answer,)] = life.acked
    assert answer["response_action"] == "errors"
    assert "database is away" in answer["errors"]["reason"]


async def test_a_home_tab_that_cannot_be_noted_says_so(life: Life) -> None:
    life.harness.requests.failing = AWAY
    await life.router.on_home(HOME, life.ack)
    await life.idle()
    assert "database is away" in life.windows.homes[0]


@pytest.mark.parametrize("closed", [True, False])
async def test_a_bot_that_stops_takes_nothing(life: Life, closed: bool) -> None:
    life.router.closed = closed
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    assert bool(life.harness.requests.seen) is not closed
    assert ("restarting" in str(life.acked)) is closed


async def test_what_finds_the_database_away_is_kept_told_once_and_done(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.router.inbox.AGAIN", 0)
    tries = 0
    deploy = life.harness.promotions.start

    async def away(ask: Any, caller: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 9:
            raise AWAY
        return await deploy(ask, caller)

    monkeypatch.setattr(life.harness.promotions, "start", away)
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    assert len(life.said) == 2
    assert "I have kept your request" in life.said[0]
    assert "an approval" in life.said[1]
    assert len(life.harness.promotions.all) == 1
    assert life.harness.requests.pending == {}


async def test_what_does_not_end_before_the_stop_is_for_the_next_process_at_once(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(life.harness.promotions, "start", never)
        await life.router.on_command(SLASH, life.ack, life.respond)
        await life.router.drain(0.01)
    assert life.harness.requests.leased == set()
    after = await life.next()
    assert "an approval" in after.said[0]


async def test_what_processes_die_of_is_given_up(life: Life) -> None:
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.die()
    (request,) = life.harness.requests.pending.values()
    life.harness.requests.pending[request.id] = replace(request, tries=5)
    after = await life.next()
    assert "does not try again" in after.said[0]
    assert not life.harness.promotions.asked
    assert life.harness.requests.pending == {}


async def test_what_is_done_and_cannot_be_written_down_is_not_done_again(life: Life) -> None:
    settle = life.harness.requests.settle

    async def away(_id: str) -> None:
        raise AWAY

    life.harness.requests.settle = away  # type: ignore[method-assign, assignment]
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    life.harness.requests.leased.clear()  # it took longer than the lease
    life.harness.requests.settle = settle  # type: ignore[method-assign]
    await life.router.inbox.look()
    await life.idle()
    assert len(life.said) == 1
    assert life.harness.requests.pending == {}


async def test_what_is_being_settled_is_not_taken_up_again(life: Life) -> None:
    settle, goes_on = life.harness.requests.settle, asyncio.Event()

    async def slow(id: str) -> None:
        await goes_on.wait()
        await settle(id)

    life.harness.requests.settle = slow  # type: ignore[method-assign]
    await life.router.on_command(SLASH, life.ack, life.respond)
    while not life.said:  # noqa: ASYNC110 (each of them goes on by itself)
        await asyncio.sleep(0)
    life.harness.requests.leased.clear()  # it takes longer than the lease
    await life.router.inbox.look()
    goes_on.set()
    await life.idle()
    assert len(life.said) == 1


async def test_long_work_is_kept_from_others(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = asyncio.Event()

    async def slow(*_: Any) -> Any:
        await goes_on.wait()
        raise InvalidCommand("enough")

    monkeypatch.setattr(life.harness.promotions, "start", slow)
    await life.router.on_command(SLASH, life.ack, life.respond)
    await asyncio.sleep(0)
    life.harness.requests.leased.clear()
    life.now += 5
    await life.router.inbox.look()
    assert life.harness.requests.leased
    goes_on.set()
    await life.idle()
    assert len(life.said) == 1


async def test_work_that_hangs_does_not_hold_up_what_others_have_left(life: Life) -> None:
    """However much comes that takes long: what a process has left is bounded by itself."""
    inbox, forever = life.router.inbox, asyncio.Event()
    done: list[str] = []

    async def work(request: Request, _respond: Any) -> bool:
        if request.id.startswith("long"):
            await forever.wait()
        done.append(request.id)
        return True

    inbox._work = work
    for number in range(AT_ONCE + 5):
        inbox.begin(Request(f"long-{number}", "command", "{}", life.now, 1))
    await life.harness.requests.note(left := Request("left", "command", "{}", life.now, 1))
    life.harness.requests.leased.clear()
    await inbox.look()
    for _ in range(5):
        await asyncio.sleep(0)
    assert done == [left.id]
    forever.set()
    await life.idle()


async def test_the_word_that_work_goes_on_waits_for_nothing_that_is_written_down_slowly(life: Life) -> None:
    """Another replica would begin it a second time."""
    inbox, log, never = life.router.inbox, life.harness.requests, asyncio.Event()

    async def slow(_id: str) -> None:
        await never.wait()

    log.settle = slow  # type: ignore[method-assign, assignment]
    inbox._done.add("done")
    inbox._mine["long"] = life.now - 10
    looking = asyncio.create_task(inbox.look())
    for _ in range(5):
        await asyncio.sleep(0)
    assert "long" in log.leased
    looking.cancel()
    del inbox._mine["long"]


def test_nothing_is_written_down_but_what_is_read() -> None:
    written = kept("command", SLASH)
    assert "legacy-token" not in written
    assert "user_name" not in written
    assert json.loads(written)["text"] == "my-app prod"


def test_of_the_message_under_boxes_only_what_stands_beside_them_is_kept() -> None:
    beside = {"block_id": "ticks/p-1/abc/0", "elements": [{"type": "checkboxes", "options": [{"value": "a"}]}]}
    action = {"type": "checkboxes", "action_id": "promotion.adjust", "action_ts": "1.1", "block_id": "ticks/p-1/abc/0"}
    body = {
        "user": {"id": "U0BO"},
        "actions": [{**action, "selected_options": []}],
        "message": {"blocks": [{"type": "section", "text": {"text": "words " * 500}}, beside]},
    }
    written = kept("button", body)
    assert "words" not in written
    incoming = from_button(body)
    assert from_button(unpacked(written)) == incoming
    assert read_press(unpacked(written), incoming.context) == read_press(body, incoming.context)


def test_a_form_reads_the_same_from_what_was_kept() -> None:
    body = rejection("p-1", "hash", "it is broken")
    assert read_form(unpacked(kept("submission", body))["view"]) == read_form(body["view"])


DOUBT = DatabaseInDoubt("be written", "the connection broke")


@pytest.mark.parametrize("kind", ["command", "button", "form"])
async def test_who_asks_for_what_may_be_noted_hears_that_nobody_knows(life: Life, kind: str) -> None:
    only = await waiting(life)
    life.harness.requests.failing = DOUBT
    if kind == "command":
        await life.router.on_command(SLASH, life.ack, life.respond)
    elif kind == "button":
        await life.router.on_button(press(Action.APPROVE, only.id, only.content_hash), life.ack, life.respond)
    else:
        await life.router.on_submission(rejection(only.id, only.content_hash, "it is broken"), life.ack)
    await life.idle()
    heard = f"{life.acked[-1]} {life.said[-1]}"
    assert "do not know whether I have your request" in heard
    assert "nothing" not in heard.replace("hear nothing", "")
    assert not life.harness.promotions.only.approvals


@pytest.mark.parametrize("stops", [False, True])
async def test_and_is_told_when_it_is_known_that_it_is_not_done(life: Life, *, stops: bool) -> None:
    """Also when the bot stops before its next look."""
    only = await waiting(life)
    asked = [("command", SLASH), ("button", press(Action.APPROVE, only.id)), ("event", HOME),
             ("submission", rejection(only.id, "", "broken"))]  # fmt: skip
    life.harness.requests.unsure = [Request(f"r-{kind}", kind, kept(kind, body), life.now) for kind, body in asked]
    said, homes = len(life.said), len(life.windows.homes)
    await (life.router.drain(5) if stops else life.router.inbox.look())
    await life.idle()
    told = [*life.said[said:], *life.windows.homes[homes:], *(m.shown.text for m in life.messenger.messages)]
    assert len([one for one in told if "nothing was done" in one]) == len(asked)
    assert not life.harness.promotions.only.approvals


async def test_what_is_being_acknowledged_is_taken_up_by_nobody_else(life: Life) -> None:
    """Not by ourselves either: at our own start all that is noted may be begun, and a lease may run out."""

    async def slowly(*said: Any, **options: Any) -> None:
        await life.harness.requests.release()
        life.now += 60
        await life.router.inbox.look()
        await life.ack(*said, **options)

    await life.router.on_command(SLASH, slowly, life.respond)
    await life.idle()
    assert len(life.harness.promotions.asked) == 1
    assert life.harness.requests.pending == {}


async def test_what_could_not_be_acknowledged_is_done_by_who_looks_next(life: Life) -> None:
    async def broken(*_said: Any, **_options: Any) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await life.router.on_command(SLASH, broken, life.respond)
    assert life.harness.promotions.asked == []
    await life.harness.requests.release()
    await life.router.inbox.look()
    await life.idle()
    assert len(life.harness.promotions.asked) == 1
