"""Kill the process at a request, and start it again: what was acknowledged is done, once, and people hear of it.

`python -m pytest tests/restart/test_requests.py --kills 20 --write-report` kills it so often at the points and so often
after a random time, in each way, and writes what it saw into docs/reliability.md.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from bot.domain.promotion import Promotion
from bot.store.audit import Audit
from bot.store.promotions import PromotionStore
from bot.store.requests import LEASE, requests
from bot.views.ids import Action, PromotionValue, encode
from integrations.sandbox.ports import free_port
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.http_mode import RequestUrls
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import SlackServer
from tests.postgres import NewDatabase
from tests.restart import asked, report
from tests.restart.asked import ACKNOWLEDGED, DONE, NOTED, POINTS, Asked
from tests.restart.cases import TEAM, Case
from tests.restart.child import Life, promotion_of
from tests.restart.process import Process, begin
from tests.restart.process_harness import ProcessHarness, harness

pytestmark = pytest.mark.restart

KINDS = ("command", "button", "submission", "refused")
"""the last: a press that counts for nothing, for the card has changed since"""
CASES = {(kind, point): Case("promotion", f"{kind}:{point}") for kind in KINDS for point in POINTS}
OUTCOMES = ("button", "submission", "refused")
WAITING = tuple(case for (kind, _), case in CASES.items() if kind != "command")
HOMES = {NOTED: "U0ANA", ACKNOWLEDGED: "U0BO", DONE: "U0MIA"}
"""who opens the Home tab: its effect is its answer"""
PLACES = {
    **{f"{case.app} prod": point for (kind, point), case in CASES.items() if kind == "command"},
    **{promotion_of(case): point for (kind, point), case in CASES.items() if kind != "command"},
    **{f'"app_home_opened","user":"{user}"': point for point, user in HOMES.items()},
}
"""what a request's body contains → where it stands still"""
WAYS = (("SQLite", "HTTP"), ("Postgres", "Socket Mode"), ("SQLite", "Socket Mode"), ("Postgres", "HTTP"))
SOON = LEASE + 165
WITHIN = 0.3
"""seconds after a request in which the process dies"""


@dataclass
class Scene:
    """A harness, a Slack in front of it, and the processes that come and go."""

    harness: ProcessHarness
    slack: SlackServer
    url: str
    port: int

    async def begin(self, **how: Any) -> Process:
        directory, number = self.harness.directory, len(self.harness.lives)
        life = Life(
            str(directory), self.harness.database_url, str(self.harness.git.repository.path), self.harness.github_url,
            self.harness.cases,
        )  # fmt: skip
        file, log = directory / f"asked-{number}.json", directory / f"asked-{number}.log"
        file.write_bytes(msgspec.json.encode(Asked(life, self.url, self.port, WAITING, **how)))
        started = self.harness.started(begin(asked.main, str(file), log))
        await started.ready()
        return started

    async def ask_everything(self) -> dict[str, bool]:
        """Everybody at once; what was acknowledged, by what it is about."""
        promotions = await self.promotions()
        asking = {case.app: self.ask(kind, case, promotions) for (kind, _), case in CASES.items()}
        asking |= {user: self.open_home(user) for user in HOMES.values()}
        return dict(zip(asking, await asyncio.gather(*asking.values()), strict=True))

    async def ask(self, kind: str, case: Case, promotions: dict[str, Promotion]) -> bool:
        with contextlib.suppress(OSError):
            if kind == "command":
                command = await self.slack.command("ana", "deployments", f"/deploy {case.app} prod")
                return bool(command["acked"])
            about = promotions[promotion_of(case)]
            body = rejection(about) if kind == "submission" else press(about, old=kind == "refused")
            name = "view_submission" if kind == "submission" else "block_actions"
            return bool((await self.slack.deliver(name, body))["acked"])
        return False

    async def open_home(self, user: str) -> bool:
        event = {"type": "app_home_opened", "user": user, "tab": "home", "channel": f"D{user[1:]}"}
        body = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{user}", "event": event}
        with contextlib.suppress(OSError):
            return bool((await self.slack.deliver("events_api", body))["acked"])
        return False

    async def promotions(self) -> dict[str, Promotion]:
        database = self.harness.database()
        try:
            return {p.id: p for p in await PromotionStore(database).history("", "", 10_000)}
        finally:
            await database.close()

    async def settled(self, *, judged: bool = True) -> None:
        """Until nothing is left that somebody asked for, and every story has begun that was asked for. `judged`: and
        each has judged what people told it, once; a busy one does so after their request is settled.
        """
        database = self.harness.database()
        try:
            async with asyncio.timeout(SOON):
                while await self._anything_left(database, judged):  # noqa: ASYNC110 (others do it)
                    await asyncio.sleep(0.1)
        finally:
            await database.close()

    async def _anything_left(self, database: Any, judged: bool) -> bool:
        left = await self._pending(database) or await self._not_begun()
        return bool(left or (judged and await self._not_judged(database)))

    async def _not_begun(self) -> set[str]:
        """A story writes down itself that it was asked for, when it begins."""
        audit = await self.audit()
        return {id for id in await self.promotions() if not audit["requested", id]}

    async def _not_judged(self, database: Any) -> bool:
        """Each press and submission that was noted has one row in the audit, whatever came of it."""
        audit, kinds = await self.audit(), ("button", "submission")
        judged = sum(audit[event, promotion_of(case)] for case in WAITING for event in ("approve", "reject", "refused"))
        async with database.reading() as connection:
            query = sa.select(sa.func.count()).where(requests.c.kind.in_(kinds), requests.c.error == "")
            return judged < int((await connection.execute(query)).scalar_one())

    @staticmethod
    async def _pending(database: Any) -> int:
        async with database.reading() as connection:
            query = sa.select(sa.func.count()).where(requests.c.state == "pending")
            return int((await connection.execute(query)).scalar_one())

    async def audit(self) -> Counter[tuple[str, str]]:
        database = self.harness.database()
        try:
            return Counter((row.event, row.promotion_id) for row in await Audit(database).rows(limit=100_000))
        finally:
            await database.close()


async def killed(process: Process) -> bool:
    try:
        async with asyncio.timeout(30):
            return await process.ended() == -9
    except TimeoutError:
        raise AssertionError(f"it lives on:\n{process.said()}") from None


def press(about: Promotion, *, old: bool = False) -> dict[str, Any]:
    value = encode(PromotionValue(about.id, "0" * 64 if old else about.content_hash))
    action = {"type": "button", "action_id": Action.APPROVE, "action_ts": about.id, "block_id": "b", "value": value}
    return {"user": {"id": "U0BO", "team_id": TEAM}, "team": {"id": TEAM}, "channel": {"id": "C0DEPLOY"},
            "trigger_id": "1.2.4", "response_url": "", "actions": [action]}  # fmt: skip


def rejection(about: Promotion) -> dict[str, Any]:
    metadata = json.dumps({"channel": "C0DEPLOY", "p": about.id, "h": about.content_hash})
    values = {"reason": {"reason": {"type": "plain_text_input", "value": "it is broken"}}}
    view = {"type": "modal", "id": f"V{about.id}", "callback_id": "reject", "hash": "1", "private_metadata": metadata,
            "state": {"values": values}}  # fmt: skip
    return {"user": {"id": "U0BO", "team_id": TEAM}, "team": {"id": TEAM}, "view": view}


@asynccontextmanager
async def scene(directory: Path, database_url: str, mode: str) -> AsyncIterator[Scene]:
    slack = SlackServer(commands=["/deploy"], limits=RateLimits(enabled=False))
    async with harness(directory, database_url, tuple(CASES.values())) as place, serve(slack.app) as url:
        slack.public_url = url
        port = free_port() if mode == "HTTP" else 0
        await slack.use_http(RequestUrls.single(f"http://127.0.0.1:{port}/slack/events") if port else None)
        try:
            yield Scene(place, slack, url, port)
        finally:
            await place.stop()
            await slack.aclose()


async def check(place: Scene, acknowledged: dict[str, bool], *, at_points: bool) -> None:
    """0 lost, 0 doubled, and everybody was told; what was not acknowledged may have been done all the same."""
    promotions, audit = await place.promotions(), await place.audit()
    whispers = Counter(
        next((case.app for case in CASES.values() if case.app in json.dumps(message)), "")
        for message in place.slack.messages("deployments", "ana")
        if message.get("ephemeral")
    )
    for (kind, point), case in CASES.items():
        least = 1 if at_points or acknowledged[case.app] else 0
        if kind == "command":
            begun = [one for one in promotions.values() if one.plan.apps[0] == case.app]
            assert least <= len(begun) <= 1, case
            assert all(audit["requested", one.id] == 1 for one in begun), case
            most = 2 if not at_points or point == DONE else 1  # only an answer may come twice
            assert len(begun) <= whispers[case.app] <= most, (case, whispers)
        else:
            done, id = promotions[promotion_of(case)], promotion_of(case)
            votes = (len(done.approvals), int(done.rejection is not None), audit["refused", id])
            assert votes[:2] == (audit["approve", id], audit["reject", id]), (case, audit)
            assert least <= votes[OUTCOMES.index(kind)] == sum(votes) <= 1, (case, votes)
    refusals = sum(audit["refused", promotion_of(case)] for case in WAITING)
    told = [whisper for whisper in place.harness.world.notes("whisper") if "use the newest card" in whisper]
    assert refusals <= len(told) <= 2 * refusals
    for user in HOMES.values():
        if at_points or acknowledged[user]:
            assert place.slack.home(user), user


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each way as often as is asked for by hand; else two or one of them, once, to see that it still does."""
    if "kills" in metafunc.fixturenames:
        kills = int(metafunc.config.getoption("kills"))
        ways = WAYS[:2] if "points" in metafunc.function.__name__ else WAYS[2:3]
        metafunc.parametrize(("kind", "mode", "kills"), [(*way, kills or 1) for way in (WAYS if kills else ways)])


async def test_killed_at_its_points_a_request_is_done_once_and_told(
    tmp_path: Path, kind: str, mode: str, kills: int, request: pytest.FixtureRequest
) -> None:
    seen = Kills(kind, mode, "at its points")
    for number in range(kills):
        acknowledged = await kill_once(tmp_path / str(number), seen, request)
        for (_, point), case in CASES.items():
            assert acknowledged[case.app] == (point != NOTED), case
    seen.write(request.config)


async def test_killed_after_a_random_time_nothing_acknowledged_is_lost(
    tmp_path: Path, kind: str, mode: str, kills: int, request: pytest.FixtureRequest
) -> None:
    seen = Kills(kind, mode, "after 0–300 ms")
    for number in range(kills):
        await kill_once(tmp_path / str(number), seen, request)
    seen.write(request.config)


async def kill_once(directory: Path, seen: "Kills", request: pytest.FixtureRequest) -> dict[str, bool]:
    """Ask, kill, start again and judge; what was acknowledged. Raises AssertionError for what is lost or doubled."""
    new: NewDatabase = request.getfixturevalue("new_sqlite" if seen.kind == "SQLite" else "postgres")
    directory.mkdir()  # noqa: ASYNC240 (nobody waits)
    at_points = seen.when == "at its points"
    async with scene(directory, new(), seen.mode) as place:
        first = await (place.begin(places=PLACES) if at_points else place.begin(within=WITHIN))
        acknowledged = await place.ask_everything()
        assert await killed(first)
        await place.begin()
        await place.settled()
        await check(place, acknowledged, at_points=at_points)
    seen.kills += 1
    seen.requests += len(acknowledged)
    seen.acknowledged += sum(acknowledged.values())
    return acknowledged


@dataclass
class Kills:
    """What came of killing the process again and again in one way; whatever was wrong has ended the test by then."""

    kind: str
    mode: str
    when: str
    kills: int = 0
    requests: int = 0
    acknowledged: int = 0

    def write(self, config: pytest.Config) -> None:
        cells = (self.kind, self.mode, self.when, self.kills, self.requests, self.acknowledged, 0, 0, 0)
        if config.getoption("write_report"):
            report.write_kills(tuple(map(str, cells)))
        print(*cells)
