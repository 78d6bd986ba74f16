"""Two replicas on one Postgres, attacked over their HTTP ports at the same moment: each wish has one effect.

The processes are those that ship, with Slack's signed requests before them. Everything is sent in one life of both, and
each test looks at what came of its own promotion.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from bot.domain.promotion import Phase, Promotion
from bot.router.signature import FRESH_SECONDS
from bot.store.promotions import PromotionStore
from bot.views.ids import Action, PromotionValue, encode
from integrations.sandbox.ports import free_port
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.http_mode import signature
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import SIGNING_SECRET, SlackServer
from tests.postgres import NewDatabase
from tests.restart import asked
from tests.restart.asked import Asked
from tests.restart.cases import TEAM, Case
from tests.restart.child import Life, promotion_of
from tests.restart.conftest import postgres
from tests.restart.effects import Seen, look
from tests.restart.process import begin
from tests.restart.process_harness import ProcessHarness, harness
from tests.restart.test_requests import Scene, rejection

__all__ = ["postgres"]
pytestmark = pytest.mark.restart

FORM = "application/x-www-form-urlencoded"
BEAT, SILENCE = 1.0, 30.0
"""seconds: nobody is taken for dead on a busy machine"""
PATIENCE = 120
SIGNED_BY_NOBODY = "v0=" + "0" * 64

Answers = list[int]


def promotion(name: str) -> Case:
    return Case("promotion", name)


def signed(body: bytes, stamp: int) -> str:
    return signature(SIGNING_SECRET, str(stamp), body)


@dataclass
class Attackers:
    """Who sends what to which replica. `sent`: what each replica answered, by attack."""

    urls: list[str]
    http: httpx.AsyncClient
    about: dict[str, Promotion]
    sent: dict[str, Answers] = field(default_factory=dict)

    async def post(self, replica: int, body: bytes, signature: str = "", at: float = 0.0) -> int:
        stamp = int(at or time.time())
        headers = {
            "Content-Type": FORM,
            "X-Slack-Request-Timestamp": str(stamp),
            "X-Slack-Signature": signature or signed(body, stamp),
        }
        return (await self.http.post(self.urls[replica], content=body, headers=headers)).status_code

    async def both(self, *bodies: bytes, times: int = 1) -> Answers:
        """The first to one, the last to the other (which may be the same), at the same moment and so many times."""
        pairs = [(0, bodies[0]), (1, bodies[-1])] * times
        return list(await asyncio.gather(*(self.post(replica, body) for replica, body in pairs)))


def payload(body: dict[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(body)}).encode()


def press(about: Promotion, who: str = "bo", number: int = 1, content: str = "") -> bytes:
    """`number`: presses of one person with one number are one request, delivered twice."""
    value = encode(PromotionValue(about.id, content or about.content_hash))
    stamp = f"{number}.{about.id}"
    action = {"type": "button", "action_id": Action.APPROVE, "action_ts": stamp, "block_id": "b", "value": value}
    user = {"id": f"U0{who.upper()}", "team_id": TEAM}
    return payload({"type": "block_actions", "user": user, "team": {"id": TEAM}, "channel": {"id": "C0DEPLOY"},
                    "trigger_id": f"{number}.2", "response_url": "", "actions": [action]})  # fmt: skip


def no(about: Promotion) -> bytes:
    """Bo sends the form in which the reason stands."""
    return payload({"type": "view_submission", **rejection(about)})


def command(line: str, number: int, who: str = "ana") -> bytes:
    slash, _, text = line.partition(" ")
    asked = {"command": slash, "text": text, "user_id": f"U0{who.upper()}", "team_id": TEAM, "channel_id": "C0DEPLOY"}
    return urlencode({**asked, "trigger_id": f"{number}.9", "response_url": ""}).encode()


async def same_press(a: Attackers, about: Promotion) -> Answers:
    return await a.both(press(about))


async def storm(a: Attackers, about: Promotion) -> Answers:
    return await a.both(press(about), times=8)


async def new_numbers(a: Attackers, about: Promotion) -> Answers:
    return [code for many in await asyncio.gather(*(a.both(press(about, number=n)) for n in range(5))) for code in many]


async def two_people(a: Attackers, about: Promotion) -> Answers:
    return await a.both(press(about), press(about, "mia"))


async def vote_while_the_other_commits(a: Attackers, about: Promotion) -> Answers:
    first = await a.post(0, press(about))
    later = []
    for number in range(12):
        await asyncio.sleep(0.05)
        later.append(await a.post(1, press(about, "mia", number)))
    return [first, *later]


async def yes_and_no(a: Attackers, about: Promotion) -> Answers:
    return await a.both(press(about, "mia"), no(about))


async def yes_and_abort(a: Attackers, about: Promotion) -> Answers:
    return await a.both(press(about), command(f"/abort {about.id}", 71))


async def no_twice(a: Attackers, about: Promotion) -> Answers:
    return await a.both(no(about), times=5)


async def replayed_elsewhere(a: Attackers, about: Promotion) -> Answers:
    """When the first is long done, its very bytes come to the other one."""
    body, at = press(about), time.time()
    first = await a.post(0, body, at=at)
    await asyncio.sleep(2)
    return [first, *[await a.post(replica, body, at=at) for replica in (1, 0, 1)]]


async def forged(a: Attackers, about: Promotion) -> Answers:
    body, now = press(about), time.time()
    tries = [
        each
        for replica in (0, 1)
        for each in (
            a.post(replica, body, SIGNED_BY_NOBODY),
            a.post(replica, body, "v0="),
            a.post(replica, body, at=now - FRESH_SECONDS - 60),
            a.post(replica, body, at=now + FRESH_SECONDS + 60),
            a.post(replica, press(about, "mia"), signed(body, int(now)), at=now),
        )
    ]
    return list(await asyncio.gather(*tries))


async def not_allowed(a: Attackers, about: Promotion) -> Answers:
    """Signed by Slack all right: the requester, who is nobody's approver, and a card of other content."""
    bodies = [press(about, "ana"), press(about, "cy"), press(about, "bo", content="0" * 64)]
    return [code for many in await asyncio.gather(*(a.both(body) for body in bodies)) for code in many]


ATTACKS: dict[str, Callable[[Attackers, Promotion], Awaitable[Answers]]] = {
    "same-press": same_press,
    "storm": storm,
    "new-numbers": new_numbers,
    "two-people": two_people,
    "vote-while-the-other-commits": vote_while_the_other_commits,
    "yes-and-no": yes_and_no,
    "yes-and-abort": yes_and_abort,
    "no-twice": no_twice,
    "replayed-elsewhere": replayed_elsewhere,
    "forged": forged,
    "not-allowed": not_allowed,
}
WAITING = {name: promotion(name) for name in ATTACKS}
ASKED = {name: promotion(name) for name in ("asked-twice", "asked-by-two")}
STANDING = ("forged", "not-allowed")
"""those that nobody has decided"""


@dataclass(frozen=True)
class After:
    sent: dict[str, Answers]
    seen: Seen

    def of(self, name: str) -> Promotion:
        return self.seen.promotions[promotion_of(WAITING[name])]

    def commits(self, name: str) -> int:
        return self.seen.trailers[self.of(name).id]

    def audited(self, name: str, event: str) -> int:
        return sum(row.event == event and row.promotion_id == self.of(name).id for row in self.seen.rows)


@asynccontextmanager
async def replicas(place: ProcessHarness, slack: str) -> AsyncIterator[list[str]]:
    """The URLs of two processes that share everything but their ports."""
    ports = [free_port(), free_port()]
    life = (str(place.directory), place.database_url, str(place.git.repository.path), place.github_url, place.cases)
    started = []
    for number, port in enumerate(ports):
        told = Asked(
            Life(*life, replica=f"pilothouse-{number}", beat=BEAT, silence=SILENCE),
            slack,
            port,
            tuple(WAITING.values()),
        )
        file, log = place.directory / f"replica-{number}.json", place.directory / f"replica-{number}.log"
        file.write_bytes(msgspec.json.encode(told))
        started.append(place.started(begin(asked.main, str(file), log)))
    await asyncio.gather(*(each.ready() for each in started))
    yield [f"http://127.0.0.1:{port}/slack/events" for port in ports]


async def attack(directory: Path, database_url: str) -> After:
    slack = SlackServer(commands=["/deploy"], limits=RateLimits(enabled=False))
    cases = (*WAITING.values(), *ASKED.values())
    async with harness(directory, database_url, cases) as place, serve(slack.app) as url:
        slack.public_url = url
        async with replicas(place, url) as urls, httpx.AsyncClient(timeout=60, trust_env=False, verify=False) as http:
            about = await _promotions(place)
            a = Attackers(urls, http, about)
            waiting = {name: attack(a, about[promotion_of(WAITING[name])]) for name, attack in ATTACKS.items()}
            twice, two = (f"/deploy {case.app} prod" for case in ASKED.values())
            waiting["asked-twice"] = a.both(command(twice, 1), times=5)
            waiting["asked-by-two"] = a.both(command(two, 2), command(two, 3, "bo"))
            a.sent = dict(zip(waiting, await asyncio.gather(*waiting.values()), strict=True))
            await Scene(place, slack, url, 0).settled(judged=False)
            await _decided(place)
            seen = await look(place)
        await slack.aclose()
        return After(a.sent, seen)


async def _promotions(place: ProcessHarness) -> dict[str, Promotion]:
    database = place.database()
    try:
        return {one.id: one for one in await PromotionStore(database).history("", "", 1000)}
    finally:
        await database.close()


async def _decided(place: ProcessHarness) -> None:
    """Until all that somebody has decided is over."""
    standing = {promotion_of(WAITING[name]) for name in STANDING}
    decided = {promotion_of(case) for case in WAITING.values()} - standing
    try:
        async with asyncio.timeout(PATIENCE):
            while open_ := decided - {id for id, one in (await _promotions(place)).items() if one.phase.final}:  # noqa: ASYNC110
                await asyncio.sleep(0.3)
    except TimeoutError:
        said = "\n".join(life.said()[-3000:] for life in place.lives)
        raise AssertionError(f"nothing comes of {open_}:\n{said}") from None


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, postgres: NewDatabase) -> After:
    return asyncio.run(attack(tmp_path_factory.mktemp("replicas"), postgres()))


COMMITTED = ("same-press", "storm", "new-numbers", "two-people", "vote-while-the-other-commits", "replayed-elsewhere")


@pytest.mark.parametrize("name", COMMITTED)
def test_however_often_and_wherever_it_is_pressed_it_is_committed_once(after: After, name: str) -> None:
    assert set(after.sent[name]) == {200}
    assert (after.of(name).phase, after.commits(name)) == (Phase.SUCCEEDED, 1)
    assert after.audited(name, "committed") == 1


@pytest.mark.parametrize("name", ["same-press", "storm", "new-numbers", "replayed-elsewhere"])
def test_one_person_has_one_vote(after: After, name: str) -> None:
    assert [approval.approver.name for approval in after.of(name).approvals] == ["bo"]
    assert after.audited(name, "approve") == 1


@pytest.mark.parametrize("name", ["two-people", "vote-while-the-other-commits"])
def test_nobody_votes_twice_beside_another(after: After, name: str) -> None:
    people = [approval.approver.name for approval in after.of(name).approvals]
    assert len(people) == len(set(people)) >= 1
    assert after.audited(name, "approve") == len(people)


@pytest.mark.parametrize(("name", "event"), [("yes-and-no", "reject"), ("yes-and-abort", "abort")])
def test_of_yes_and_no_at_the_same_moment_one_holds_everywhere(after: After, name: str, event: str) -> None:
    ended = after.of(name)
    went = ended.phase is Phase.SUCCEEDED
    assert after.commits(name) == went
    assert ended.phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED)
    assert (ended.rejection is None) == went
    assert after.audited(name, "committed") == went
    assert after.audited(name, event) == (not went)


def test_a_no_that_comes_ten_times_is_said_once(after: After) -> None:
    assert after.of("no-twice").phase is Phase.FAILED
    assert (after.audited("no-twice", "reject"), after.commits("no-twice")) == (1, 0)


def test_forged_presses_get_nowhere_on_either(after: After) -> None:
    assert set(after.sent["forged"]) == {401}
    assert (after.of("forged").approvals, after.of("forged").phase.final) == ((), False)
    assert {row.event for row in after.seen.rows if row.promotion_id == after.of("forged").id} <= {"requested", "gates"}


def test_who_may_not_approve_does_not_on_either(after: After) -> None:
    assert set(after.sent["not-allowed"]) == {200}
    assert (after.of("not-allowed").approvals, after.of("not-allowed").phase.final) == ((), False)
    assert after.commits("not-allowed") == 0


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_on_both_is_begun_once(after: After, name: str) -> None:
    begun = [one for one in after.seen.promotions.values() if one.plan.apps[0] == ASKED[name].app]
    assert len(begun) == 1
    assert sum(row.event == "requested" and row.promotion_id == begun[0].id for row in after.seen.rows) == 1


def test_the_chain_of_the_audit_is_whole(after: After) -> None:
    assert after.seen.chain is None


def test_each_has_one_card(after: After) -> None:
    for name in WAITING:
        assert sum(message.key == f"card:{after.of(name).id}" for message in after.seen.messages) == 1
