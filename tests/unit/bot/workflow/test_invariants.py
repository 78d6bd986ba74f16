"""Whatever people do, in whatever order, and wherever the process dies: what must always hold.

A machine draws requests, trains, schedules, votes, delegations, pull requests, foreign commits, locks, freezes,
rejected images, lost permissions, alerts, crashes and time; it looks at each commit and each merge at the moment at
which it is made. What it expects it works out by itself.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.domain.application import ApplicationRef
from bot.domain.caller import PILOTHOUSE, Person
from bot.domain.errors import Unavailable, UserError
from bot.domain.intent import Abort, Adjust, Approve, Deploy, Promote, Reject, Rollback, Wish
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Kind, Move, Phase, Promotion
from bot.domain.safety import Delegation, Freeze, Lock, Rejection
from bot.domain.scan import Severity, Vulnerability
from bot.ports import PullRequest
from bot.promotions.scheduler import Scheduler
from bot.promotions.watcher import BAD_LOOKS
from bot.store.freezes import FreezeStore
from bot.store.rejections import RejectionStore
from tests.fakes.applications import follows
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path

RULES = POLICY + (
    "environments:\n- {name: development}\n- {name: staging}\n"
    "- {name: production, approval: {count: 2}, rollback: {automatic: 10m}}\n"
    "apps: {payments: {environments: {production: {approval: {count: 1, required: [admin]}}}}}\n"
)
BY_PULL_REQUEST = RULES.replace(
    "payments: {environments: {production: {", "payments: {environments: {production: {mode: pull-request, "
)
APPS = st.sampled_from(["my-app", "payments"])
PLACES = st.sampled_from(["my-app", "payments", ""])
TAGS = st.sampled_from(["v1.4.0", "v1.4.1", "v1.4.2", "v1.4.3"])
PEOPLE = st.sampled_from(["ana", "bo", "mia", "cy", "dee"])
PEOPLE_TOGETHER = st.permutations(["bo", "mia", "dee"]).map(lambda people: people[1:] if people[0] != "dee" else people)
HOLDING = ("lock", "freeze", "reject", "sicken", "push")
HAPPENINGS = st.sampled_from([*["nothing"] * len(HOLDING), *HOLDING])
LEFT_OUT = st.sampled_from([(), (), ("my-app",), ("payments",)])
STEPS = st.sampled_from(
    ["announce", "gates#1", "ask-people#1", "judge#1", "judge#2", "confirm#2", "commit", "follow", "successor",
     "conclude", "watch", "offer#1", "gates#2", "judge#3"]
)  # fmt: skip
MINUTES = st.sampled_from([1, 30, 300])
WANTED = 2
"""approvals of my-app; payments wants dee"""
MIA = Person("U0MIA", "mia", "mia@example.com")
LONG = timedelta(hours=5)
"""longer than anything waits"""
ROUNDS = 6
"""of waiting: one for each question, and more for a successor's"""


def note(what: str) -> None:
    """For `--hypothesis-show-statistics`: whether the machine comes far enough to be wrong."""
    with contextlib.suppress(InvalidArgument):  # not in a test that is drawn
        event(what)


class Promotions(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.world: CoreWorld
        self.freezes: FreezeStore
        self.rejections: RejectionStore
        self.votes: dict[str, dict[str, str]] = defaultdict(dict)
        """promotion → who said yes → to which content, as the machine remembers it"""
        self.live = False
        """whether a promotion is under way"""
        self.lent: dict[str, tuple[str, datetime]] = {}
        """who is away → who speaks for them, and until when"""
        self.critical: set[tuple[str, str]] = set()
        """app and tag of the images that scans find something critical in"""
        self.wrong: list[str] = []

    @initialize(rules=st.sampled_from([RULES, BY_PULL_REQUEST]))
    def move_in(self, rules: str) -> None:
        self.loop.run(self._move_in(rules))

    @precondition(lambda self: not self.live)
    @rule(app=APPS)
    def ask_what_usually_is_asked(self, app: str) -> None:
        self.loop.run(self._ask("ana", Deploy(context=self.world.context(), app=app, environment="production")))

    @rule(who=PEOPLE, app=APPS, image=st.one_of(st.just(""), TAGS))
    def ask(self, who: str, app: str, image: str) -> None:
        self.loop.run(
            self._ask(who, Deploy(context=self.world.context(), app=app, environment="production", image=image))
        )

    @rule(who=PEOPLE, app=APPS, back=st.booleans())
    def hurry(self, who: str, app: str, back: bool) -> None:
        context, place = self.world.context(), "production"
        glass = Deploy(context=context, app=app, environment=place, break_glass=True, reason="the site is down")
        self.loop.run(self._ask(who, Rollback(context=context, app=app, environment=place) if back else glass))

    @rule(who=PEOPLE)
    def ask_for_a_train(self, who: str) -> None:
        self.loop.run(self._ask(who, Promote(context=self.world.context(), apps=(), environment="production")))

    @precondition(lambda self: self.live)
    @rule(who=PEOPLE, left_out=LEFT_OUT)
    def adjust(self, who: str, left_out: tuple[str, ...]) -> None:
        self.loop.run(self._adjust(who, left_out))

    @precondition(lambda self: self.live)
    @rule(who=PEOPLE, twice=st.booleans())
    def approve(self, who: str, twice: bool) -> None:
        self.loop.run(self._vote(who, twice=twice))

    @precondition(lambda self: self.live)
    @rule(who=PEOPLE_TOGETHER)
    def approve_together(self, who: list[str]) -> None:
        for person in who:
            self.loop.run(self._vote(person, twice=False))

    @rule(app=APPS, tag=TAGS, what=HAPPENINGS, who=PEOPLE_TOGETHER)
    def one_app_goes(self, app: str, tag: str, what: str, who: list[str]) -> None:
        """On an otherwise good day, with at most one thing that a story must notice before its last vote."""
        ask = Deploy(context=self.world.context(), app=app, environment="production", image=tag)
        self.loop.run(self._goes(ask, what, who))

    @rule(what=HAPPENINGS, who=PEOPLE_TOGETHER, left_out=LEFT_OUT)
    def a_train_goes(self, what: str, who: list[str], left_out: tuple[str, ...]) -> None:
        ask = Promote(context=self.world.context(), apps=(), environment="production")
        self.loop.run(self._goes(ask, what, who, left_out))

    @rule(app=APPS, what=HAPPENINGS, twice=st.booleans())
    def what_went_wrong_is_taken_back(self, app: str, what: str, twice: bool) -> None:
        for _ in range(1 + twice):
            ask = Deploy(context=self.world.context(), app=app, environment="production", image="v1.4.3")
            self.loop.run(self._goes_wrong(ask, what))

    @precondition(lambda self: self.live)
    @rule(who=PEOPLE, politely=st.booleans())
    def stop(self, who: str, politely: bool) -> None:
        self.loop.run(self._reject(who) if politely else self._abort(who))

    @rule(app=APPS, tag=st.none() | TAGS)
    def push_by_hand(self, app: str, tag: str | None) -> None:
        self._push(app, tag)

    @rule(app=PLACES, freeze=st.booleans())
    def hold(self, app: str, freeze: bool) -> None:
        self.loop.run(self._freeze(app) if freeze else self._lock(app))

    @rule()
    def release_everything(self) -> None:
        self.loop.run(self._release())

    @rule(app=APPS, tag=TAGS, severity=st.sampled_from([Severity.HIGH, Severity.CRITICAL]))
    def find_a_vulnerability(self, app: str, tag: str, severity: Severity) -> None:
        self.loop.run(self._find(app, tag, severity))

    @rule(app=APPS, tag=TAGS, rejected=st.booleans())
    def reject_an_image(self, app: str, tag: str, rejected: bool) -> None:
        self.loop.run(self._reject_image(app, tag, rejected=rejected))

    @rule(app=APPS, fires=st.booleans())
    def an_alert_fires_or_ends(self, app: str, fires: bool) -> None:
        if fires:
            self.world.alerts.fire("HighErrorRate", app=app, environment="production")
        else:
            self.world.alerts.resolve("HighErrorRate")

    @rule(who=st.sampled_from(["U0BO", "U0MIA"]))
    def change_the_release_managers(self, who: str) -> None:
        groups = self.world.directory.groups
        name = next(names for names in groups if "release-managers" in names)
        groups[name] = groups[name] ^ {who}

    @rule(absent=st.sampled_from(["bo", "mia", "dee"]), delegate=PEOPLE)
    def somebody_is_away(self, absent: str, delegate: str) -> None:
        if absent != delegate:
            self.loop.run(self._lend(absent, delegate))

    @rule(absent=st.sampled_from(["mia", "dee"]), delegate=st.sampled_from(["bo", "cy"]), app=APPS)
    def one_app_goes_while_somebody_is_away(self, absent: str, delegate: str, app: str) -> None:
        self.loop.run(self._lend(absent, delegate))
        ask = Deploy(context=self.world.context(), app=app, environment="production", image="v1.4.3")
        self.loop.run(self._goes(ask, "nothing", [delegate, "bo"]))

    @rule(who=PEOPLE, app=APPS, minutes=MINUTES)
    def ask_for_later(self, who: str, app: str, minutes: int) -> None:
        at = self.world.core.clock.now() + timedelta(minutes=minutes)
        ask = Deploy(context=self.world.context(), app=app, environment="production", start_at=at)
        self.loop.run(self._schedule(who, ask))

    @rule(green=st.booleans())
    def checks_of_pull_requests_end(self, green: bool) -> None:
        self._check_pulls(green=green)
        self.loop.run(self._pass(timedelta(minutes=1)))

    @rule(step=STEPS, after=st.booleans())
    def crash_soon(self, step: str, after: bool) -> None:
        (self.world.engine.crash_after if after else self.world.engine.crash_before).add(step)

    @precondition(lambda self: self.live)
    @rule()
    def git_goes_away_or_comes_back(self) -> None:
        away = Unavailable("git", "ask for the head", "connection refused")
        self.world.overlays.failing = None if self.world.overlays.failing else away

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.loop.run(self._pass(timedelta(minutes=minutes)))

    @invariant()
    def no_commit_was_wrong(self) -> None:
        assert self.wrong == []

    @invariant()
    def no_promotion_committed_twice(self) -> None:
        if hasattr(self, "world"):
            assert max(Counter(self.world.promotion_commits()).values(), default=0) <= 1

    @invariant()
    def one_app_has_one_promotion_under_way(self) -> None:
        if hasattr(self, "world"):
            under_way = self.loop.run(self.world.store.all_live())
            backs = [one.plan for one in under_way if one.plan.kind is Kind.ROLLBACK]
            counted = [
                one for one in under_way if not any(one.gives_way_to(back) for back in backs if back != one.plan)
            ]
            apps = Counter(app for one in counted if not one.only_watched for app in one.apps)
            assert max(apps.values(), default=0) <= 1, [(one.id, one.apps) for one in under_way]

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.loop.run(self._end())
        finally:
            self.loop.run(self.stack.aclose())
            self.loop.close()

    async def _move_in(self, rules: str = RULES) -> None:
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.world = await self.stack.enter_async_context(core_world(Path(directory), rules))
        self.freezes = FreezeStore(self.world.database, self.world.core.clock)
        self.rejections = RejectionStore(self.world.database)
        await self._add_payments()
        self._watch_commits()
        await self._ask("ana", Deploy(context=self.world.context(), app="my-app", environment="production"))

    async def _add_payments(self) -> None:
        world, tags = self.world, {"staging": "v1.4.2", "production": "v1.4.0"}
        world.overlays.push({path(e, "payments"): kustomization(t, "payments") for e, t in tags.items()})
        pushed = [world.registry.push(f"{HARBOR}/payments", f"v1.4.{patch}").image for patch in range(4)]
        for image in pushed:
            world.registry.finish_scan(image)
        for environment in tags:
            known = await world.applications.get(ApplicationRef(f"my-app-{environment}", environment))
            ref = ApplicationRef(f"payments-{environment}", environment)
            world.applications.put(replace(known, ref=ref, sources=follows(ref.name)))
        await world.seen(*pushed, app="payments")

    def _watch_commits(self) -> None:
        write = self.world.overlays.commit

        async def commit(change: Change, expected_head: str) -> Commit:
            before = dict(self.world.overlays._trees[expected_head])
            made = await write(change, expected_head)
            note("a promotion was committed")
            try:
                await self._judge(made, before, change)
            except Exception as error:
                self.wrong.append(f"{made.trailer('Promotion-Id')} could not be judged: {error!r}")
            return made

        self.world.overlays.commit = commit  # type: ignore[method-assign]
        self._watch_merges()

    def _watch_merges(self) -> None:
        overlays, write = self.world.overlays, self.world.overlays.merge_by_hand

        async def merge(number: int, message: str = "") -> PullRequest:
            head, commits = await overlays.head(), len(overlays.log)
            merged = await write(number, message)
            if len(overlays.log) > commits:  # asked again after a crash it is merged already
                note("a pull request was merged")
                before, after = dict(overlays._trees[head]), overlays._trees[overlays.log[-1].sha]
                files = {name: body for name, body in after.items() if before.get(name) != body}
                await self._judge(overlays.log[-1], before, Change(files, message, overlays.log[-1].author))
            return merged

        overlays.merge_by_hand = merge  # type: ignore[method-assign]

    async def _judge(self, made: Commit, before: dict[str, bytes], change: Change) -> None:
        """Look at what is being done, at the moment when it is done."""
        promotion = await self.world.store.get(made.trailer("Promotion-Id"))
        assert promotion is not None
        self._judge_lines(promotion, before, change)
        await self._judge_votes(promotion)
        await self._judge_holds(promotion)
        await self._judge_images(promotion)
        self._judge_scans(promotion)
        await self._judge_by_itself(promotion)
        if promotion.plan.break_glass:
            rows = [row.event for row in await self.world.audit.rows() if row.promotion_id == promotion.id]
            self._must("break-glass" in rows, promotion, "the glass was broken, and that is not in the audit")

    def _judge_lines(self, promotion: Promotion, before: dict[str, bytes], change: Change) -> None:
        self._must(set(change.files) == {m.overlay for m in promotion.moves}, promotion, "other files were written")
        for move in promotion.moves:
            seen, wanted = kustomization(move.before.tag, move.app), kustomization(move.after.tag, move.app)
            self._must(before[move.overlay] == seen, promotion, "the line was not what the approvers saw")
            self._must(change.files[move.overlay] == wanted, promotion, "something else was written")

    async def _judge_votes(self, promotion: Promotion) -> None:
        if promotion.plan.break_glass or promotion.plan.automatic:
            return
        said = {who for who, content in self.votes[promotion.id].items() if content == promotion.content_hash}
        managers = await self.world.directory.members("release-managers")
        asker, may = promotion.plan.requester.id, managers | {"U0DEE"}
        voices = {who: ({who} | self._lends(who, {asker})) & may for who in said - {asker}}
        eligible = {who for who, for_whom in voices.items() if for_whom}
        if "my-app" in promotion.apps:
            self._must(len(eligible) >= WANTED, promotion, f"only {sorted(eligible)} said yes to my-app")
        if "payments" in promotion.apps:
            dee = any("U0DEE" in for_whom for for_whom in voices.values())
            self._must(dee, promotion, f"{sorted(eligible)} said yes to payments, and nobody for dee")
        if any(who not in for_whom for who, for_whom in voices.items()):
            note("somebody voted for who is away")
        note("a train was committed" if len(promotion.apps) > 1 else "an app was committed")

    def _lends(self, delegate: str, without: set[str]) -> set[str]:
        """Whose voice somebody has besides their own."""
        now = self.world.core.clock.now()
        away = {absent for absent, (who, until) in self.lent.items() if who == delegate and now < until}
        return away - without

    async def _judge_images(self, promotion: Promotion) -> None:
        for move in promotion.moves:
            rejection = await self.rejections.find(move.app, move.after.digest)
            self._must(rejection is None, promotion, f"{move.after.label} is rejected")

    def _judge_scans(self, promotion: Promotion) -> None:
        if promotion.plan.break_glass or promotion.plan.kind is Kind.ROLLBACK:
            return
        for move in promotion.moves:
            self._must((move.app, move.after.tag) not in self.critical, promotion, f"{move.after.tag} is vulnerable")

    async def _judge_by_itself(self, promotion: Promotion) -> None:
        """Only back, and never twice in a row."""
        if not promotion.plan.automatic:
            return
        note("a rollback by policy was committed")
        self._must(promotion.plan.kind is Kind.ROLLBACK, promotion, "nobody asked for it, and it is no rollback")
        failed = await self.world.store.get(promotion.plan.replaces)
        assert failed is not None
        self._must(not failed.plan.automatic, promotion, "it rolls back what was rolled back by itself")
        self._must(failed.plan.kind is Kind.PROMOTION, promotion, "it rolls back a rollback")
        for move in promotion.moves:
            undone = next(one for one in failed.moves if one.app == move.app)
            good = await self._seen_healthy(move.app) - {undone.after.label}
            if move.after.label not in good:  # nobody saw it Healthy, or only after what is undone first ran (0174)
                self._must(move.after.label == undone.label_before, promotion, "it goes somewhere else than back")
                self._must("scan" not in promotion.plan.skipped_gates, promotion, "nobody asked whether it is safe")

    async def _seen_healthy(self, app: str) -> set[str]:
        """The images that a promotion saw Healthy there, without those that a rollback left behind."""
        past = [p for p in await self.world.store.history(app, "production", 1000) if p.commit]
        good = {m.after.label for p in past if p.phase is Phase.SUCCEEDED for m in p.moves if m.app == app}
        left = {m.label_before for p in past if p.plan.kind is Kind.ROLLBACK for m in p.moves if m.app == app}
        return good - left

    async def _judge_holds(self, promotion: Promotion) -> None:
        plan = promotion.plan
        if plan.break_glass:
            return
        back = plan.kind is Kind.ROLLBACK
        for app in promotion.apps:
            lock = await self.world.locks.held(app, plan.environment)
            self._must(lock is None or (back and lock.automatic), promotion, f"{app} is locked")
            frozen = await self.freezes.active(app, plan.environment)
            self._must(frozen is None or back, promotion, f"{app} is frozen")

    def _must(self, holds: bool, promotion: Promotion, sentence: str) -> None:
        if not holds:
            self.wrong.append(f"{promotion.id} ({promotion.plan.apps[0]}) was committed although {sentence}")

    async def _ask(self, who: str, ask: Wish) -> None:
        caller = await self.world.person(who)
        try:
            if isinstance(ask, Deploy) and ask.break_glass:
                ask = await self.world.shown(ask, who)
            await self.world.service.start(ask, caller)
        except (UserError, Unavailable):
            return
        await self._settle()

    async def _schedule(self, who: str, ask: Wish) -> None:
        with contextlib.suppress(UserError, Unavailable):
            scheduler = Scheduler(self.world.service, self.world.core.queue, self.world.core.clock)
            await scheduler.start(ask, await self.world.person(who))

    async def _lend(self, absent: str, delegate: str) -> None:
        away, here = await self.world.person(absent), await self.world.person(delegate)
        now = self.world.core.clock.now()
        until = now + timedelta(hours=12)
        delegation = Delegation(away.person, here.person, now - timedelta(minutes=1), until)
        async with self.world.database.begin() as connection:
            await self.world.delegations.delegate(connection, delegation)
        self.lent[away.id] = (here.id, until)

    def _check_pulls(self, *, green: bool) -> None:
        for number in self.world.overlays._branches:
            self.world.overlays.set_checks(number, "success" if green else "failure")

    async def _live(self) -> Promotion | None:
        """The oldest one that people can still do something about."""
        live = await self.world.store.all_live()
        return next((one for one in live if not one.only_watched), None)

    async def _vote(self, who: str, *, twice: bool) -> None:
        if not (promotion := await self._live()):
            return
        context, caller = self.world.context(), await self.world.person(who)
        ask = Approve(context=context, promotion=promotion.id, content_hash=promotion.content_hash)
        said = self.votes[promotion.id]
        for _ in range(1 + twice):
            before = dict(said)
            said[caller.id] = (
                promotion.content_hash
            )  # said when it is sent: the story may act on it before the service answers
            try:
                await self.world.service.approve(ask, caller)
            except UserError:
                said.clear()
                said.update(before)
                break
        await self._settle()

    async def _reject(self, who: str) -> None:
        if promotion := await self._live():
            context, content = self.world.context(), promotion.content_hash
            ask = Reject(context=context, promotion=promotion.id, content_hash=content, reason="not now")
            try:
                await self.world.service.reject(ask, await self.world.person(who))
            except UserError:
                return
            await self._settle()

    async def _abort(self, who: str) -> None:
        if promotion := await self._live():
            try:
                ask = Abort(context=self.world.context(), promotion=promotion.id)
                await self.world.service.abort(ask, await self.world.person(who))
            except UserError:
                return
            await self._settle()

    async def _goes(self, ask: Wish, what: str, who: list[str], left_out: tuple[str, ...] = ()) -> None:
        await self._calm_down()
        await self._ask("ana", ask)
        if left_out:
            await self._adjust("ana", left_out)
        if promotion := await self._live():
            await self._happens(what, promotion.moves[-1])
        for person in who:
            await self._vote(person, twice=False)
        if self.world.overlays._branches:
            self._check_pulls(green=True)
            await self._pass(timedelta(minutes=1))

    async def _goes_wrong(self, ask: Deploy, what: str) -> None:
        """An alert fires while it is watched, and something else happens before the rollback."""
        await self._goes(ask, "nothing", ["bo", "mia", "dee"])
        watched = next((one for one in await self.world.store.all_live() if one.only_watched), None)
        if watched is None:
            return
        move = watched.moves[0]
        await self._happens(what, replace(move, after=replace(move.after, tag=move.label_before)))
        self.world.alerts.fire("HighErrorRate", app=ask.app, environment="production")
        for _ in range(BAD_LOOKS):
            await self._pass(timedelta(seconds=15))

    async def _calm_down(self) -> None:
        """A day on which nothing stands in the way, and there is something to promote."""
        self.world.overlays.failing = None
        self.world.alerts.alerts.clear()
        name = next(names for names in self.world.directory.groups if "release-managers" in names)
        self.world.directory.groups[name] = frozenset({"U0BO", "U0MIA"})
        for promotion in await self.world.store.all_live():
            with contextlib.suppress(UserError):
                abort = Abort(context=self.world.context(), promotion=promotion.id)
                await self.world.service.abort(abort, await self.world.person("dee"))
        await self._pass(LONG)
        await self._release()
        for app in ("my-app", "payments"):
            for tag in ("v1.4.0", "v1.4.1", "v1.4.2", "v1.4.3"):
                await self._reject_image(app, tag, rejected=False)
                await self._find(app, tag, Severity.LOW)
            self._push(app, "v1.4.0")

    async def _happens(self, what: str, move: Move) -> None:
        match what:
            case "nothing":
                return
            case "lock":
                await self._lock(move.app)
            case "freeze":
                await self._freeze(move.app)
            case "reject":
                await self._reject_image(move.app, move.after.tag, rejected=True)
            case "sicken":
                await self._find(move.app, move.after.tag, Severity.CRITICAL)
            case _:
                self._push(move.app, "v1.4.1")

    def _push(self, app: str, tag: str | None) -> None:
        files = {path("production", app): kustomization(tag, app)} if tag else {"README.md": b"# More\n"}
        self.world.overlays.push(files, "by hand")

    async def _adjust(self, who: str, left_out: tuple[str, ...]) -> None:
        if promotion := await self._live():
            ask = Adjust(context=self.world.context(), promotion=promotion.id, left_out=left_out)
            try:
                await self.world.service.adjust(ask, await self.world.person(who))
            except UserError:
                return
            await self._settle()

    async def _reject_image(self, app: str, tag: str, *, rejected: bool) -> None:
        image = (await self.world.registry.artifact(f"{HARBOR}/{app}", tag)).image
        async with self.world.database.begin() as connection:
            if rejected:
                word = Rejection(app, image.digest, tag, MIA, "it leaks", self.world.core.clock.now())
                await self.rejections.reject(connection, word)
            else:
                await self.rejections.clear(connection, app, image.digest)

    async def _lock(self, app: str) -> None:
        lock = Lock(app, "production", MIA, "a migration", self.world.core.clock.now())
        async with self.world.database.begin() as connection:
            await self.world.locks.take(connection, lock)

    async def _release(self) -> None:
        async with self.world.database.begin() as connection:
            for app in ("my-app", "payments", ""):
                await self.world.locks.release(connection, app, "production")
                await self.freezes.end(connection, app, "production")

    async def _freeze(self, app: str) -> None:
        now = self.world.core.clock.now()
        freeze = Freeze(f"f-{now.timestamp()}", "production", PILOTHOUSE, "holidays", now, now + timedelta(days=1), app)
        async with self.world.database.begin() as connection:
            await self.freezes.call(connection, freeze)

    async def _find(self, app: str, tag: str, severity: Severity) -> None:
        image = (await self.world.registry.artifact(f"{HARBOR}/{app}", tag)).image
        self.world.registry.finish_scan(image, Vulnerability("CVE-1", "zlib", "1", severity))
        same = {(app, tag)}
        self.critical = self.critical | same if severity is Severity.CRITICAL else self.critical - same

    async def _pass(self, duration: timedelta) -> None:
        await self.world.engine.pass_time(duration)
        with contextlib.suppress(Unavailable):
            if await self.world.core.queue.start_next():
                note("a promotion began at its time")
        await self._settle()

    async def _settle(self) -> None:
        """Let everything run that can, successors included."""
        await self.world.engine.settle()
        while await self.world.service.resume():
            await self.world.engine.settle()
        self.live = bool(await self.world.store.all_live())

    async def _end(self) -> None:
        """When git is back and enough time has passed, nothing is under way any more, and the chain holds."""
        self.world.overlays.failing = None
        self._check_pulls(green=True)
        for _ in range(ROUNDS):
            if self.live:
                await self._pass(LONG)
        assert [p.outcome or p.stage for p in await self.world.store.all_live()] == []
        ended = await self.world.store.history("", "", 1000)
        assert [p.id for p in ended if "unexpected" in p.outcome] == []
        assert await self.world.audit.verify() is None
        assert self.wrong == []


SHARDS = 4
"""Each draws its own part of the examples, so that several processes share them."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_people_do_what_must_hold_holds(shard: int) -> None:
    drawn = settings(max_examples=settings().max_examples // SHARDS, stateful_step_count=15)
    run_state_machine_as_test(type(f"Promotions{shard}", (Promotions,), {}), settings=drawn)


@pytest.fixture
def machine() -> Iterator[Promotions]:
    """The same, where a test draws: what each of these holds is not left to chance."""
    machine = Promotions()
    machine.loop.run(machine._move_in())
    yield machine
    machine.teardown()


def kinds(machine: Promotions) -> dict[str, Wish]:
    place = {"context": machine.world.context(), "environment": "production"}
    return {
        "an app": Deploy(**place, app="my-app", image="v1.4.3"),  # type: ignore[arg-type]
        "the other app": Deploy(**place, app="payments", image="v1.4.3"),  # type: ignore[arg-type]
        "a train": Promote(**place, apps=()),  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("kind", ["an app", "the other app", "a train"])
@pytest.mark.parametrize("what", ["nothing", *HOLDING])
def test_each_thing_that_happens_before_the_last_vote_is_noticed(machine: Promotions, kind: str, what: str) -> None:
    """A push voids the first vote and asks anew: what the others say yes to then is another promotion."""
    machine.loop.run(machine._goes(kinds(machine)[kind], what, ["bo", "mia", "dee"]))
    assert machine.wrong == []
    told = machine.loop.run(machine.world.store.history("", "", 10))
    first = {promotion.id for promotion in told if not promotion.plan.replaces}
    assert bool(first & set(machine.world.promotion_commits())) == (what == "nothing")


@pytest.mark.parametrize("who", [["bo", "mia"], ["dee"], ["ana", "cy"], []])
def test_a_train_for_which_too_few_speak_does_not_go(machine: Promotions, who: list[str]) -> None:
    machine.loop.run(machine._goes(kinds(machine)["a train"], "nothing", who))
    assert (machine.wrong, machine.world.promotion_commits()) == ([], [])


@pytest.mark.parametrize(("what", "back"), [("nothing", True), ("lock", False), ("reject", False), ("push", False)])
def test_each_thing_that_happens_before_a_rollback_by_policy_is_noticed(
    machine: Promotions, what: str, back: bool
) -> None:
    ask = kinds(machine)["an app"]
    assert isinstance(ask, Deploy)
    machine.loop.run(machine._goes_wrong(ask, what))
    assert (machine.wrong, len(machine.world.promotion_commits())) == ([], 1 + back)


@pytest.mark.parametrize("rules", [RULES, BY_PULL_REQUEST], ids=["a commit", "a pull request"])
def test_the_machine_hears_who_speaks_for_somebody_away_and_would_miss_who_does_not(rules: str) -> None:
    machine = Promotions()
    machine.loop.run(machine._move_in(rules))
    ask = kinds(machine)["the other app"]
    machine.loop.run(machine._lend("dee", "cy"))
    machine.lent.clear()  # as far as the machine remembers, cy speaks for nobody
    machine.loop.run(machine._goes(ask, "nothing", ["cy"]))
    assert len(machine.world.promotion_commits()) == 1
    assert len(machine.wrong) == 1, "the vote for dee was not seen"
    machine.wrong.clear()
    machine.loop.run(machine._lend("dee", "cy"))
    machine.loop.run(machine._goes(replace(ask, context=machine.world.context()), "nothing", ["cy"]))
    assert len(machine.world.promotion_commits()) == 2
    machine.teardown()


def test_the_machine_sees_a_promotion_begin_at_its_time(machine: Promotions) -> None:
    machine.loop.run(machine._calm_down())
    at = machine.world.core.clock.now() + timedelta(minutes=30)
    later = replace(kinds(machine)["an app"], start_at=at)
    machine.loop.run(machine._schedule("ana", later))
    assert not machine.live
    machine.loop.run(machine._pass(timedelta(minutes=31)))
    assert machine.live
