"""Policy, groups and images change in any order while people vote: a commit needs what the stricter of both days asks.

The days are that of the request and that of the effect. What is expected is worked out here, from the drawn policies
and from what each person said and when; the commit is looked at in the moment in which it is made.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, combinations
from pathlib import Path

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from bot.domain.errors import UserError
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Promotion
from bot.domain.scan import Severity, Vulnerability
from tests.attacks.test_todays_policy import PLAIN, reload
from tests.fakes.world import HARBOR, CoreWorld, core_world

THRESHOLDS = ("medium", "high", "critical")
"""the strictest first; what is found is high"""
MANAGER, ADMIN = "release-manager", "admin"
ROLES = {"bo": MANAGER, "mia": MANAGER, "dee": ADMIN}


@dataclass(frozen=True)
class Day:
    """A policy. `roles`: () for those that may approve anyway; who must be among them counts as well."""

    count: int = 1
    roles: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    threshold: str = "critical"

    @property
    def text(self) -> str:
        roles = f", roles: [{', '.join(self.roles)}]" if self.roles else ""
        required = f", required: [{', '.join(self.required)}]" if self.required else ""
        gates = f"gates: {{scan: {{threshold: {self.threshold}}}}}"
        return PLAIN % f", approval: {{count: {self.count}{roles}{required}}}, {gates}"

    def enough(self, people: Iterable[str]) -> bool:
        said = [ROLES[who] for who in people]
        counting = [role for role in said if not self.roles or role in (*self.roles, *self.required)]
        return len(counting) >= self.count and {*self.required} <= {*said}

    def stops(self) -> bool:
        """Whether it lets no image pass in which something high is found."""
        return self.threshold != "critical"


def subsets(people: Iterable[str]) -> Iterator[tuple[str, ...]]:
    listed = list(people)
    return chain.from_iterable(combinations(listed, size) for size in range(len(listed) + 1))


def tightened(asked: Day, then: Day, now: Day) -> bool:
    """Whether less is enough by the policy of `then` than by that of `now`, beside that of the request."""
    some = any(asked.enough(s) and then.enough(s) and not now.enough(s) for s in subsets(ROLES))
    strictest = min(THRESHOLDS.index(asked.threshold), THRESHOLDS.index(then.threshold))
    return some or THRESHOLDS.index(now.threshold) < strictest


@dataclass
class Model:
    world: CoreWorld
    asked: Day
    now: Day
    votes: dict[str, Day] = field(default_factory=dict)
    """who said yes → the policy of that moment, the newest"""
    gone: set[str] = field(default_factory=set)
    found: bool = False
    stopped: bool = False
    wrong: list[str] = field(default_factory=list)
    commits: int = 0

    def watch(self) -> None:
        write = self.world.overlays.commit

        async def commit(change: Change, expected_head: str) -> Commit:
            self.commits += 1
            self.judge()
            return await write(change, expected_head)

        self.world.overlays.commit = commit  # type: ignore[method-assign]

    def judge(self) -> None:
        valid = [
            who
            for who, then in self.votes.items()
            if who not in self.gone and not tightened(self.asked, then, self.now)
        ]
        for day, what in ((self.asked, "the request"), (self.now, "the effect")):
            if not day.enough(valid):
                self.wrong.append(f"{valid} are not enough by the policy of {what}: {day}")
            if self.found and day.stops():
                self.wrong.append(f"what is found in it is too much by the policy of {what}")
        if self.stopped:
            self.wrong.append("somebody had said no")

    async def do(self, promotion: Promotion, action: tuple[str, object]) -> None:
        kind, what = action
        if kind == "policy" and isinstance(what, Day):
            self.now = what
            await reload(self.world, what.text)
        elif kind == "vote":
            await self.vote(promotion, str(what))
        elif kind == "group":
            self.regroup(str(what))
        elif kind == "find":
            self.found = bool(what)
            image = (await self.world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
            bad = [Vulnerability("CVE-2026-1", "openssl", "1.0", Severity.HIGH)] if what else []
            self.world.registry.finish_scan(image, *bad)
        elif kind == "no":
            await self.refuse(promotion, str(what))
        else:
            await self.world.engine.pass_time(timedelta(minutes=int(str(what))))

    async def vote(self, promotion: Promotion, who: str) -> None:
        before = dict(self.votes)
        self.votes[who] = self.now  # said when it is sent: the story may act before the service answers
        try:
            await self.world.approve(who, promotion)
        except UserError:
            self.votes = before

    async def refuse(self, promotion: Promotion, who: str) -> None:
        over = (await self.world.now(promotion)).phase.final
        with suppress(UserError):
            await self.world.reject(who, promotion, "not now")
            self.stopped = not over

    def regroup(self, who: str) -> None:
        groups = self.world.directory.groups
        name = next(names for names in groups if "release-managers" in names)
        groups[name] = groups[name] ^ {f"U0{who.upper()}"}
        self.gone ^= {who}


DAYS = st.builds(
    Day,
    st.sampled_from([1, 1, 2]),
    st.sampled_from([(), (), (MANAGER,), (ADMIN,)]),
    st.sampled_from([(), (), (ADMIN,)]),
    st.sampled_from(THRESHOLDS),
)
POLICY_CHANGES = st.tuples(st.just("policy"), DAYS)
ACTIONS = st.one_of(
    POLICY_CHANGES,
    st.tuples(st.just("vote"), st.sampled_from(["bo", "mia", "dee", "ana", "cy"])),
    st.tuples(st.just("vote"), st.sampled_from(["bo", "mia", "dee"])),
    st.tuples(st.just("group"), st.sampled_from(["bo", "mia"])),
    st.tuples(st.just("find"), st.booleans()),
    st.tuples(st.just("pass"), st.sampled_from([1, 45])),
)
LAX, TWO = Day(), Day(count=2)


async def told(asked: Day, actions: list[tuple[str, object]]) -> Model:
    with tempfile.TemporaryDirectory() as directory:
        async with core_world(Path(directory), asked.text) as world:
            model = Model(world, asked, asked)
            model.watch()
            promotion = await world.deploy("ana")
            for action in actions:
                await model.do(promotion, action)
            for who in ("bo", "mia", "dee"):  # whatever is enough by then
                await model.vote(promotion, who)
            await world.engine.pass_time(timedelta(minutes=2))
            return model


@settings(max_examples=settings.default.max_examples // 4 if settings.default else 10)
@given(
    asked=DAYS,
    actions=st.tuples(st.lists(ACTIONS, max_size=2), POLICY_CHANGES, st.lists(ACTIONS, max_size=3)).map(
        lambda parts: [*parts[0], parts[1], *parts[2]]
    ),
    no=st.sampled_from([None, None, None, None, None, "bo", "dee"]),
)
@example(asked=TWO, actions=[("vote", "bo"), ("policy", LAX), ("vote", "bo")], no=None)
@example(asked=TWO, actions=[("vote", "bo"), ("group", "bo"), ("vote", "mia")], no=None)
@example(asked=LAX, actions=[("find", True), ("policy", Day(threshold="high")), ("vote", "bo")], no=None)
def test_no_commit_without_what_the_stricter_of_both_days_asks(
    asked: Day, actions: list[tuple[str, object]], no: str | None
) -> None:
    model = asyncio.run(told(asked, [*actions, *([("no", no)] if no else [])]))
    event(f"committed: {bool(model.commits)}, policy changed: {any(kind == 'policy' for kind, _ in actions)}")
    assert not model.wrong
    assert model.commits <= 1


async def test_a_good_day_ends_in_a_commit() -> None:
    """The property above is not kept by doing nothing."""
    assert (await told(TWO, [("policy", LAX), ("vote", "bo"), ("policy", TWO), ("group", "mia")])).commits == 1


@pytest.mark.parametrize("protection", ["CurrentPolicy._tightened", "Steps._as_of_now"])
async def test_the_model_notices_a_protection_that_is_gone(protection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if protection.startswith("Current"):
        monkeypatch.setattr("bot.promotions.current_policy.CurrentPolicy._tightened", lambda *_: None)
        model = await told(LAX, [("policy", Day(count=2)), ("vote", "bo")])
    else:

        async def believed(_steps: object, _promotion: Promotion, approval: object) -> object:
            return approval

        monkeypatch.setattr("bot.workflow.steps.Steps._as_of_now", believed)
        model = await told(TWO, [("vote", "bo"), ("group", "bo"), ("vote", "mia")])
    assert model.wrong
