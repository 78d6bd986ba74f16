"""Whatever people do, in whatever order, and wherever the process dies: what must always hold.

A machine draws requests, votes, foreign commits, locks, freezes, lost permissions, crashes and time; it looks at each
commit at the moment at which it is made.
"""

import asyncio
import tempfile
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.application import ApplicationRef
from bot.domain.caller import PILOTHOUSE, Person
from bot.domain.errors import Unavailable, UserError
from bot.domain.intent import Abort, Approve, Deploy, Reject, Rollback
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Kind, Promotion
from bot.domain.safety import Freeze, Lock
from bot.domain.scan import Severity, Vulnerability
from bot.store.freezes import FreezeStore
from tests.unit.bot.workflow.house import HARBOR, POLICY, House, house, kustomization, path

RULES = POLICY + (
    "environments:\n- {name: development}\n- {name: staging}\n"
    "- {name: production, approval: {count: 2}, gates: {lock: {}, freeze: {}}}\n"
)
APPS = st.sampled_from(["my-app", "payments"])
PLACES = st.sampled_from(["my-app", "payments", ""])
TAGS = st.sampled_from(["v1.4.0", "v1.4.1", "v1.4.2", "v1.4.3"])
PEOPLE = st.sampled_from(["ana", "bo", "mia", "cy", "dee"])
STEPS = st.sampled_from(
    ["announce", "gates#1", "ask-people#1", "judge#1", "judge#2", "confirm#2", "commit", "follow", "successor",
     "conclude"]
)  # fmt: skip
MINUTES = st.sampled_from([1, 30, 300])
WANTED = 2
"""approvals"""
LONG = timedelta(hours=5)
"""longer than anything waits"""
ROUNDS = 6
"""of waiting: one for each question, and more for a successor's"""


class Promotions(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.home: House
        self.freezes: FreezeStore
        self.votes: dict[str, dict[str, str]] = defaultdict(dict)
        """promotion → who said yes → to which content, as the machine remembers it"""
        self.live = False
        """whether a promotion is under way"""
        self.wrong: list[str] = []

    @initialize()
    def move_in(self) -> None:
        self.loop.run(self._move_in())

    @precondition(lambda self: not self.live)
    @rule(app=APPS)
    def ask_what_usually_is_asked(self, app: str) -> None:
        self.loop.run(self._ask("ana", Deploy(context=self.home.context(), app=app, environment="production")))

    @rule(who=PEOPLE, app=APPS, image=st.one_of(st.just(""), TAGS))
    def ask(self, who: str, app: str, image: str) -> None:
        self.loop.run(
            self._ask(who, Deploy(context=self.home.context(), app=app, environment="production", image=image))
        )

    @rule(who=PEOPLE, app=APPS, back=st.booleans())
    def hurry(self, who: str, app: str, back: bool) -> None:
        context, place = self.home.context(), "production"
        glass = Deploy(context=context, app=app, environment=place, break_glass=True, reason="the site is down")
        self.loop.run(self._ask(who, Rollback(context=context, app=app, environment=place) if back else glass))

    @precondition(lambda self: self.live)
    @rule(who=PEOPLE, twice=st.booleans())
    def approve(self, who: str, twice: bool) -> None:
        self.loop.run(self._vote(who, twice=twice))

    @precondition(lambda self: self.live)
    @rule(who=st.permutations(["bo", "mia", "dee"]))
    def approve_together(self, who: list[str]) -> None:
        for person in who[:WANTED]:
            self.loop.run(self._vote(person, twice=False))

    @precondition(lambda self: self.live)
    @rule(who=PEOPLE, politely=st.booleans())
    def stop(self, who: str, politely: bool) -> None:
        self.loop.run(self._reject(who) if politely else self._abort(who))

    @rule(app=APPS, tag=st.none() | TAGS)
    def push_by_hand(self, app: str, tag: str | None) -> None:
        files = {path("production", app): kustomization(tag, app)} if tag else {"README.md": b"# More\n"}
        self.home.overlays.push(files, "by hand")

    @rule(app=PLACES, freeze=st.booleans())
    def hold(self, app: str, freeze: bool) -> None:
        self.loop.run(self._freeze(app) if freeze else self._lock(app))

    @rule()
    def release_everything(self) -> None:
        self.loop.run(self._release())

    @rule(app=APPS, tag=TAGS, severity=st.sampled_from([Severity.HIGH, Severity.CRITICAL]))
    def find_a_vulnerability(self, app: str, tag: str, severity: Severity) -> None:
        self.loop.run(self._find(app, tag, severity))

    @rule(who=st.sampled_from(["U0BO", "U0MIA"]))
    def change_the_release_managers(self, who: str) -> None:
        groups = self.home.directory.groups
        name = next(names for names in groups if "release-managers" in names)
        groups[name] = groups[name] ^ {who}

    @rule(step=STEPS, after=st.booleans())
    def crash_soon(self, step: str, after: bool) -> None:
        (self.home.engine.crash_after if after else self.home.engine.crash_before).add(step)

    @precondition(lambda self: self.live)
    @rule()
    def git_goes_away_or_comes_back(self) -> None:
        away = Unavailable("git", "ask for the head", "connection refused")
        self.home.overlays.failing = None if self.home.overlays.failing else away

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.loop.run(self._pass(timedelta(minutes=minutes)))

    @invariant()
    def no_commit_was_wrong(self) -> None:
        assert self.wrong == []

    @invariant()
    def no_promotion_committed_twice(self) -> None:
        if hasattr(self, "home"):
            assert max(Counter(self.home.promotion_commits()).values(), default=0) <= 1

    def teardown(self) -> None:
        try:
            if hasattr(self, "home"):
                self.loop.run(self._end())
        finally:
            self.loop.run(self.stack.aclose())
            self.loop.close()

    async def _move_in(self) -> None:
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.home = await self.stack.enter_async_context(house(Path(directory), RULES))
        self.freezes = FreezeStore(self.home.database)
        await self._add_payments()
        self._watch_commits()
        await self._ask("ana", Deploy(context=self.home.context(), app="my-app", environment="production"))

    async def _add_payments(self) -> None:
        home, tags = self.home, {"staging": "v1.4.2", "production": "v1.4.0"}
        home.overlays.push({path(e, "payments"): kustomization(t, "payments") for e, t in tags.items()})
        for tag in ("v1.4.0", "v1.4.1", "v1.4.2", "v1.4.3"):
            home.registry.finish_scan(home.registry.push(f"{HARBOR}/payments", tag).image)
        for environment in tags:
            known = await home.applications.get(ApplicationRef(f"my-app-{environment}", environment))
            home.applications.put(replace(known, ref=ApplicationRef(f"payments-{environment}", environment)))

    def _watch_commits(self) -> None:
        write = self.home.overlays.commit

        async def commit(change: Change, expected_head: str) -> Commit:
            before = dict(self.home.overlays._trees[expected_head])
            made = await write(change, expected_head)
            event("a promotion was committed")
            await self._judge(made, before, change)
            return made

        self.home.overlays.commit = commit  # type: ignore[method-assign]

    async def _judge(self, made: Commit, before: dict[str, bytes], change: Change) -> None:
        """Look at what is being done, at the moment when it is done."""
        promotion = await self.home.store.get(made.trailer("Promotion-Id"))
        assert promotion is not None
        self._judge_lines(promotion, before, change)
        await self._judge_votes(promotion)
        await self._judge_holds(promotion)
        if promotion.plan.break_glass:
            rows = [row.event for row in await self.home.audit.rows() if row.promotion_id == promotion.id]
            self._must("break-glass" in rows, promotion, "the glass was broken, and that is not in the audit")

    def _judge_lines(self, promotion: Promotion, before: dict[str, bytes], change: Change) -> None:
        self._must(set(change.files) == {m.overlay for m in promotion.moves}, promotion, "other files were written")
        for move in promotion.moves:
            seen, wanted = kustomization(move.before.tag, move.app), kustomization(move.after.tag, move.app)
            self._must(before[move.overlay] == seen, promotion, "the line was not what the approvers saw")
            self._must(change.files[move.overlay] == wanted, promotion, "something else was written")

    async def _judge_votes(self, promotion: Promotion) -> None:
        if promotion.plan.break_glass:
            return
        said = {who for who, content in self.votes[promotion.id].items() if content == promotion.content_hash}
        managers = await self.home.directory.members("release-managers")
        eligible = (managers | {"U0DEE"}) - {promotion.plan.requester.id}
        self._must(len(said & eligible) >= WANTED, promotion, f"only {sorted(said & eligible)} said yes to this")

    async def _judge_holds(self, promotion: Promotion) -> None:
        plan = promotion.plan
        if plan.break_glass:
            return
        back = plan.kind is Kind.ROLLBACK
        for app in plan.apps:
            lock = await self.home.locks.held(app, plan.environment)
            self._must(lock is None or (back and lock.automatic), promotion, f"{app} is locked")
            frozen = await self.freezes.active(app, plan.environment)
            self._must(frozen is None or back, promotion, f"{app} is frozen")

    def _must(self, holds: bool, promotion: Promotion, sentence: str) -> None:
        if not holds:
            self.wrong.append(f"{promotion.id} ({promotion.plan.app}) was committed although {sentence}")

    async def _ask(self, who: str, ask: Deploy | Rollback) -> None:
        caller = await self.home.person(who)
        try:
            if isinstance(ask, Deploy):
                await self.home.desk.deploy(ask, caller)
            else:
                await self.home.desk.rollback(ask, caller)
        except (UserError, Unavailable):
            return
        await self._settle()

    async def _live(self) -> Promotion | None:
        """The oldest one that is under way."""
        return next(iter(await self.home.store.all_live()), None)

    async def _vote(self, who: str, *, twice: bool) -> None:
        if not (promotion := await self._live()):
            return
        context, caller = self.home.context(), await self.home.person(who)
        ask = Approve(context=context, promotion=promotion.id, content_hash=promotion.content_hash)
        said = self.votes[promotion.id]
        for _ in range(1 + twice):
            before = dict(said)
            said[caller.id] = (
                promotion.content_hash
            )  # said when it is sent: the story may act on it before the desk answers
            try:
                await self.home.desk.approve(ask, caller)
            except UserError:
                said.clear()
                said.update(before)
                break
        await self._settle()

    async def _reject(self, who: str) -> None:
        if promotion := await self._live():
            context, content = self.home.context(), promotion.content_hash
            ask = Reject(context=context, promotion=promotion.id, content_hash=content, reason="not now")
            try:
                await self.home.desk.reject(ask, await self.home.person(who))
            except UserError:
                return
            await self._settle()

    async def _abort(self, who: str) -> None:
        if promotion := await self._live():
            try:
                ask = Abort(context=self.home.context(), promotion=promotion.id)
                await self.home.desk.abort(ask, await self.home.person(who))
            except UserError:
                return
            await self._settle()

    async def _lock(self, app: str) -> None:
        owner = Person("U0MIA", "mia", "mia@example.com")
        async with self.home.database.begin() as connection:
            await self.home.locks.take(connection, Lock(app, "production", owner, "a migration", datetime.now(UTC)))

    async def _release(self) -> None:
        async with self.home.database.begin() as connection:
            for app in ("my-app", "payments", ""):
                await self.home.locks.release(connection, app, "production")
                await self.freezes.end(connection, app, "production")

    async def _freeze(self, app: str) -> None:
        now = datetime.now(UTC)
        freeze = Freeze(f"f-{now.timestamp()}", "production", PILOTHOUSE, "holidays", now, now + timedelta(days=1), app)
        async with self.home.database.begin() as connection:
            await self.freezes.call(connection, freeze)

    async def _find(self, app: str, tag: str, severity: Severity) -> None:
        image = (await self.home.registry.artifact(f"{HARBOR}/{app}", tag)).image
        self.home.registry.finish_scan(image, Vulnerability("CVE-1", "zlib", "1", severity))

    async def _pass(self, duration: timedelta) -> None:
        await self.home.engine.pass_time(duration)
        await self._settle()

    async def _settle(self) -> None:
        """Let everything run that can, successors included."""
        await self.home.engine.settle()
        while await self.home.desk.resume():
            await self.home.engine.settle()
        self.live = bool(await self.home.store.all_live())

    async def _end(self) -> None:
        """When git is back and enough time has passed, nothing is under way any more, and the chain holds."""
        self.home.overlays.failing = None
        for _ in range(ROUNDS):
            if self.live:
                await self._pass(LONG)
        assert [p.outcome or p.stage for p in await self.home.store.all_live()] == []
        assert await self.home.audit.verify() is None
        assert self.wrong == []


TestInvariants = Promotions.TestCase
TestInvariants.settings = settings(settings(), stateful_step_count=25)
