"""Slack limits one of its methods for ten minutes: whichever it is, nothing is lost, doubled, blocked, or let through.

The real client, router and story, in virtual time. Every method that the bot calls is in the list; a call of another
one anywhere fails the first test. What people hear of each is what docs/reliability.md says.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import Unavailable
from bot.domain.pipeline import PipelineRun, RunStatus, StepLog
from bot.domain.promotion import Phase, Promotion
from bot.domain.reply import RunLog
from bot.router.incoming import Incoming
from bot.runtime.patience import LONGEST_WAIT
from bot.views.ids import Action
from integrations.slack import SlackDirectory, SlackMessenger, SlackModals
from integrations.slack.directory import FRESH_SECONDS
from integrations.slack.edits import Edits
from integrations.slack.probe import is_in
from integrations.slack.socket_mode import address
from tests.fakes.queues import delivered
from tests.fakes.slack import RETRY_AFTER, MemorySlack, NearSlack
from tests.fakes.slack_payloads import pressed, typed
from tests.fakes.world import POLICY, CoreWorld, core_world

ROOT = Path(__file__).parents[2]
WHO = ("users.info", "usergroups.list", "usergroups.users.list", "auth.test")
"""without each of these nobody is known, and nobody unknown may do anything"""
ONCE = ("auth.test", "conversations.open", "conversations.list", "users.lookupByEmail")
"""asked for once: their storm begins before anybody has asked for anything"""
STORY = tuple(dict.fromkeys((*WHO, *ONCE, "chat.postMessage", "chat.update")))
"""without which a promotion could wait, or come twice"""
FILES = ("files.getUploadURLExternal", "files.completeUploadExternal")
METHODS = (*STORY, *FILES, "views.open", "views.update", "views.publish", "chat.postEphemeral", "chat.getPermalink",
           "chat.delete", "conversations.history", "conversations.replies", "conversations.info",
           "apps.connections.open")  # fmt: skip
STORM = 600.0
STEP = 60.0
"""virtual seconds between two looks"""
BY_NAME = POLICY.replace("default: C0DEPLOY", 'default: "#deployments"').replace(
    "{role: viewer, users: [U0CY]}", "{role: release-manager, emails: [cy@example.com]}"
)
CALL = re.compile(
    r'"((?:api|apps|auth|bots|chat|conversations|files|pins|reactions|team|usergroups|users|views)\.[A-Za-z.]+)"'
)


def test_every_method_that_is_called_is_in_the_list() -> None:
    sources = [*(ROOT / "integrations" / "slack").glob("*.py"), *(ROOT / "bot").rglob("*.py"),
               *(ROOT / "commands").rglob("*.py")]  # fmt: skip
    called = {method for file in sources for method in CALL.findall(file.read_text())}
    assert called == set(METHODS)


@dataclass
class Workplace:
    """People before a bot whose Slack has its bad days."""

    home: CoreWorld
    slack: MemorySlack
    api: NearSlack
    heard: list[str] = field(default_factory=list)
    everything: list[str] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        answers = self.home.core.router.handlers._answers
        answers._pauses = answers._looks = ()  # of the clock on the wall

    @property
    def now(self) -> float:
        return self.home.engine.now.timestamp()

    async def types(self, line: str, who: str = "ana", *, url: bool = True) -> str:
        self.asked += 1
        body = typed(line, who, f"t{self.asked}")
        await self.home.core.router.on_command(body, self._ack, self._respond if url else self._gone)
        return await self._answer()

    async def presses(self, action: Action, promotion: Promotion, who: str = "bo") -> str:
        self.asked += 1
        body = pressed(action, promotion, who, self.asked, "C0DEPLOY")
        await self.home.core.router.on_button(body, self._ack, self._respond)
        return await self._answer()

    async def opens_home(self, who: str = "ana") -> str:
        self.asked += 1
        event = {"type": "app_home_opened", "user": f"U0{who.upper()}", "tab": "home", "channel": "D0ANA"}
        await self.home.core.router.on_home(
            {"event_id": f"E{self.asked}", "team_id": "T0PILOT", "event": event}, self._ack
        )
        return await self._answer()

    async def _ack(self, *said: str, **_: Any) -> None:
        self.heard += said

    async def _respond(self, *, text: str, **_: Any) -> Any:
        self.heard.append(text)
        return SimpleNamespace(status_code=200)

    async def _gone(self, **_: Any) -> Any:
        """A response_url that has run out."""
        return SimpleNamespace(status_code=404)

    async def _answer(self) -> str:
        while tasks := list(self.home.core.router._tasks._running):
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.home.engine.settle()
        said, self.heard = " ".join(self.heard), []
        self.everything.append(said)
        return said

    async def passes(self, seconds: float) -> None:
        for _ in range(int(seconds / STEP)):
            await self.home.engine.pass_time(timedelta(seconds=STEP))
            await delivered(self.home.core.outbox)
            await self.home.core.late_copies.look()

    def cards(self, channel: str = "C0DEPLOY") -> list[str]:
        return [one["text"] for one in self.slack.messages if one["channel"] == channel and "thread_ts" not in one]

    def obeyed(self, method: str) -> bool:
        """Nothing more of a method (of posting: to that channel) before its Retry-After is over (S2)."""
        place = "channel" if method in ("chat.postMessage", "chat.postEphemeral") else ""
        until: dict[str, float] = {}
        for call in self.slack.calls:
            key = call.channel if place else ""
            if call.method == method and call.at < until.get(key, 0.0):
                return False
            if call.method == method and call.limited:
                until[key] = call.at + RETRY_AFTER
        return True


@asynccontextmanager
async def workplace(directory: Path, policy: str = BY_NAME) -> AsyncIterator[Workplace]:
    made: list[tuple[MemorySlack, NearSlack]] = []

    def ports(seconds: Any) -> dict[str, Any]:
        slack = MemorySlack(seconds)
        api = NearSlack(slack)
        made.append((slack, api))
        messenger, modals = SlackMessenger(api, edits=Edits(0)), SlackModals(api)
        return {"directory": SlackDirectory(api, clock=seconds), "messenger": messenger, "modals": modals}

    async with core_world(directory, policy, slack=ports) as home:
        [(slack, api)] = made
        yield Workplace(home, slack, api)


def said(here: Workplace) -> Counter[tuple[str, str]]:
    """What was said where, by the keys that make a repetition findable; copies for approvers apart: who could not be
    asked in person is not asked about what is over.
    """
    keys = [(one["channel"], str(one.get("metadata", {}).get("event_payload", {}).get("key", ""))) for one in
            here.slack.messages]  # fmt: skip
    named = Counter((channel, key) for channel, key in keys if not (channel[0] == "D" and key.startswith("card:copy")))
    assert max(named.values()) == 1, "something came twice"
    return Counter((channel, re.sub(r"p-[a-z0-9]+", "p-…", key)) for channel, key in named)


async def asks(here: Workplace) -> Promotion:
    """Ana asks every minute until she is known."""
    while not (live := await here.home.store.all_live()):
        answer = await here.types("/deploy my-app prod")
        if "cannot confirm who you are" in answer:
            assert here.slack.storms
            assert not await here.home.store.all_live(), "nobody unknown may ask"
            await here.passes(60)
    return live[0]


async def votes(here: Workplace, asked: Promotion, *, unknown: bool) -> None:
    """Bo presses every minute until it counts, and somebody else asks for something else meanwhile."""
    end = max(here.slack.storms.values(), default=0.0)
    while here.now < end or not (await here.home.now(asked)).approvals:
        storms = here.now < end
        answer = await here.presses(Action.APPROVE, await here.home.now(asked))
        locks = await here.types("/locks", "mia")
        if unknown and storms:
            assert "cannot confirm who you are" in locks
            assert "cannot confirm who you are" in answer
            assert here.home.promotion_commits() == [], "nobody unknown may approve"
        else:
            assert "Nothing is locked" in locks, "nobody else waits"
        await here.passes(60)


async def promoted(directory: Path, method: str) -> Counter[tuple[str, str]]:
    """Ana has asked, her card is there; then Slack limits `method` for ten minutes, and Bo approves."""
    directory.mkdir()  # noqa: ASYNC240 (nobody waits)
    async with workplace(directory) as here:
        here.slack.lists_members = method != "usergroups.users.list"
        if method in ONCE:
            here.slack.storms = {method: here.now + STORM}
        asked = await asks(here)
        if method not in ONCE:
            here.slack.storms = {method: here.now + STORM} if method else {}
            await here.passes(FRESH_SECONDS)
        await votes(here, asked, unknown=method in WHO)
        await here.passes(LONGEST_WAIT + 2 * STEP)
        assert (await here.home.now(asked)).phase is Phase.SUCCEEDED
        assert len(here.home.promotion_commits()) == 1
        counts = await here.home.core.outbox.counts()
        assert (counts.pending, counts.dead, counts.stale_cards) == (0, 0, 0)
        assert here.obeyed(method)
        assert not method or any(call.limited for call in here.slack.calls), "nobody called it"
        assert not [one for one in here.everything if "roke" in one]
        assert "Healthy" in here.cards()[0], "the card is right at the end"
        return said(here)


@pytest.fixture(scope="module")
def calm() -> dict[str, Counter[tuple[str, str]]]:
    """What is said where Slack is well: found out once."""
    return {}


@pytest.mark.parametrize("method", STORY)
async def test_ten_minutes_of_it_lose_nothing(method: str, tmp_path: Path, calm: dict[str, Any]) -> None:
    with capture_logs() as logged:
        calm[""] = calm.get("") or await promoted(tmp_path / "calm", "")
        assert await promoted(tmp_path / "storm", method) == calm[""]
    assert [line for line in logged if line["log_level"] in ("error", "critical")] == []


async def storm(here: Workplace, *methods: str) -> None:
    here.slack.storms = dict.fromkeys(methods, here.now + STORM)


@asynccontextmanager
async def asked(directory: Path, *methods: str) -> AsyncIterator[tuple[Workplace, Promotion]]:
    """Ana's promotion waits for approval, and its card is there; then these are limited for ten minutes."""
    async with workplace(directory) as here:
        promotion = await asks(here)
        await here.passes(STEP)
        await storm(here, *methods)
        yield here, promotion
        assert all(map(here.obeyed, methods))
        assert {call.method for call in here.slack.calls if call.limited} == set(methods), "nobody called it"
        assert not [one for one in here.everything if "roke" in one]


async def test_a_window_that_does_not_open_is_told(tmp_path: Path) -> None:
    async with asked(tmp_path, "views.open") as (here, _):
        for _ in range(2):
            assert "Slack did not open the window in time" in await here.types("/deploy")
        assert here.slack.views == {}
        await here.passes(STORM)
        assert await here.types("/deploy") == ""
        assert len(here.slack.views) == 1


async def test_a_window_that_cannot_be_filled_is_told_beside_it(tmp_path: Path) -> None:
    async with asked(tmp_path, "views.update") as (here, _):
        assert "Slack does not answer" in await here.types("/deploy")
        await here.passes(STORM)
        assert await here.types("/deploy") == ""
        assert here.slack.views["V2"]["callback_id"] == "pick.deploy", "the form"


async def test_a_home_tab_that_slack_takes_not_comes_the_next_time(tmp_path: Path) -> None:
    async with asked(tmp_path, "views.publish") as (here, _):
        with capture_logs() as logged:
            assert await here.opens_home() == ""
        assert {line["log_level"] for line in logged} <= {"info", "warning"}
        await here.passes(STORM)
        await here.opens_home()
        assert here.slack.homes["U0ANA"]["type"] == "home"


async def test_an_answer_that_cannot_be_whispered_comes_as_a_direct_message(tmp_path: Path) -> None:
    """Its response_url has run out."""
    async with asked(tmp_path, "chat.postEphemeral") as (here, _):
        await here.types("/locks", "mia", url=False)
        assert any("Nothing is locked" in text for text in here.slack.texts("D0MIA"))
        await here.passes(STORM)
        await here.types("/locks", "mia", url=False)
        assert "Nothing is locked" in here.slack.whispers[-1]["text"]


async def test_an_answer_comes_without_its_link(tmp_path: Path) -> None:
    async with asked(tmp_path, "chat.getPermalink") as (here, promotion):
        here.home.core.permalinks._known.clear()
        assert promotion.plan.apps[0] in await here.types(f"/show {promotion.id}")
        assert len(here.cards()) == 1


async def test_a_copy_that_cannot_be_taken_away_stays_and_comes_no_second_time(tmp_path: Path) -> None:
    async with asked(tmp_path, "chat.delete") as (here, promotion):
        before = Counter(one["channel"] for one in here.slack.messages)
        await here.home.core.copies.remind(promotion, [await here.home.person("bo")], incident=True)
        await here.passes(STEP)
        assert Counter(one["channel"] for one in here.slack.messages) == before
        await here.passes(STORM)
        await here.home.core.copies.remind(promotion, [await here.home.person("bo")], incident=True)
        await here.passes(STEP)
        assert Counter(one["channel"] for one in here.slack.messages) == before, "moved to the end, not doubled"


@pytest.mark.parametrize("search", ["conversations.history", "conversations.replies"])
async def test_a_repeated_post_does_not_wait_for_the_search(tmp_path: Path, search: str) -> None:
    """Slack did not take the first try, so nothing is doubled, whatever the search would find."""
    async with workplace(tmp_path) as here:
        here.slack.storms = {"chat.postMessage": here.now + 2 * STEP, search: here.now + STORM}
        promotion = await asks(here)
        await here.passes(LONGEST_WAIT)
        await here.presses(Action.APPROVE, await here.home.now(promotion))
        await here.passes(LONGEST_WAIT)
        said(here)
        assert len(here.cards()) == 1
        assert here.obeyed(search)


@pytest.mark.parametrize("method", FILES)
async def test_a_file_that_slack_takes_not_is_told(tmp_path: Path, method: str) -> None:
    run = PipelineRun("build-1", "build", "my-app", RunStatus.FAILED)
    log = RunLog(run, (StepLog("build", "build", tuple(f"line {number}" for number in range(100))),))
    who = Incoming("command", "U0ANA", "T0PILOT", "r-1", "C0GENERAL", "")
    async with asked(tmp_path, method) as (here, _):
        await here.home.core.router.handlers._answers.reply(log, who, here._respond)
        assert "Slack did not show you my answer" in here.heard[-1]
        assert here.slack.files == []
        await here.passes(STORM)
        await here.home.core.router.handlers._answers.reply(log, who, here._respond)
        assert len(here.slack.files) == 1


ALONE: Mapping[str, Callable[[Workplace], Awaitable[Any]]] = {
    "apps.connections.open": lambda here: address(here.api),
    "conversations.info": lambda here: is_in(here.api, "C0DEPLOY"),
}
"""of the connection itself, and of `doctor`: whoever asks waits, or says that Slack does not answer"""


@pytest.mark.parametrize("method", ALONE)
async def test_what_asks_by_itself_waits_as_long_as_slack_says(tmp_path: Path, method: str) -> None:
    async with asked(tmp_path, method) as (here, _):
        for _ in range(3):
            with pytest.raises(Unavailable) as told:
                await ALONE[method](here)
            assert told.value.retry_after is not None
        assert len([call for call in here.slack.calls if call.method == method]) == 1, "two were not sent"
        await here.passes(STORM)
        assert await ALONE[method](here)


def test_each_method_has_its_storm() -> None:
    here = Path(__file__).read_text().partition("async def storm(")[2]
    assert [
        method for method in METHODS if method not in STORY and f'"{method}"' not in here and method not in FILES
    ] == []
