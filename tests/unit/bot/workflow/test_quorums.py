"""Rules add up: whatever the rules and whoever says yes, a train goes exactly when every app's own rule is met."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.approval import counted, missing, quorum, together
from bot.domain.caller import Person
from bot.domain.promotion import Approval, ApprovalRule, Quorum
from tests.sentences import says

ROLES = ("manager", "security", "owner")
APPS = ("shop", "payments", "search")
roles = st.lists(st.sampled_from(ROLES), unique=True, max_size=2).map(tuple)
quorums = st.builds(Quorum, st.integers(0, 3), roles, roles)
spans = st.none() | st.integers(1, 9).map(lambda hours: timedelta(hours=hours))
rules = st.builds(
    ApprovalRule,
    count=st.integers(0, 3),
    roles=roles,
    required=roles,
    alternatives=st.lists(quorums, max_size=2).map(tuple),
    expires=st.integers(1, 9).map(lambda hours: timedelta(hours=hours)),
    self_approval=st.booleans(),
    author_approval=st.booleans(),
    reuse=spans,
    remind=spans,
    escalate_after=spans,
)
trains = st.dictionaries(st.sampled_from(APPS), rules, min_size=1)
voices = st.dictionaries(st.sampled_from(APPS), roles, min_size=1)
votes = st.lists(voices, max_size=4).map(
    lambda said: [
        Approval(Person(f"U{n}", f"u{n}"), "h", datetime.now(UTC), voices=spoken) for n, spoken in enumerate(said)
    ]
)


def alone(approvals: list[Approval], app: str) -> list[Approval]:
    """What was said about this app, as if it went alone."""
    return [Approval(a.approver, "h", a.at, a.voices[app]) for a in approvals if app in a.voices]


@given(trains, votes)
def test_a_train_goes_exactly_when_each_of_its_apps_would_go_alone(
    train: dict[str, ApprovalRule], approvals: list[Approval]
) -> None:
    each = [quorum(rule, alone(approvals, app)) for app, rule in train.items()]
    whole = together(train)
    given = approvals if len(train) > 1 else alone(approvals, next(iter(train)))
    assert quorum(whole, given) is all(each)
    assert missing(whole, given)


@given(trains)
def test_the_strictest_conditions_hold(train: dict[str, ApprovalRule]) -> None:
    whole, each = together(train), list(train.values())
    assert whole.expires == min(rule.expires for rule in each)
    assert whole.self_approval is all(rule.self_approval for rule in each)
    assert whole.author_approval is all(rule.author_approval for rule in each)
    for rule in each:
        assert whole.reuse is None or (rule.reuse is not None and whole.reuse <= rule.reuse)
        assert rule.remind is None or (whole.remind is not None and whole.remind <= rule.remind)


def test_what_is_missing_is_told_for_each_app() -> None:
    now = datetime.now(UTC)
    shop, payments = ApprovalRule(2, ("manager",)), ApprovalRule(1, required=("security",))
    train = together({"shop": shop, "payments": payments})
    assert says(missing(train, ()), "2 approvals", "manager", "shop", "an approval", "security", "payments")
    security = Approval(Person("U1", "sec"), "h", now, voices={"payments": ("security",)})
    assert missing(train, (security,)) == "2 approvals from manager for shop"
    assert missing(together({"shop": shop, "search": shop}), ()) == "2 approvals from manager"


def said(*people: tuple[str, ...]) -> list[Approval]:
    """One approval for each, in these roles."""
    return [Approval(Person(f"U{n}", f"u{n}"), "h", datetime.now(UTC), held) for n, held in enumerate(people)]


def test_a_number_is_reached_by_people_of_its_own_roles_only() -> None:
    either = ApprovalRule(2, ("manager",), alternatives=(Quorum(2, ("security",)),))
    assert not quorum(either, said(("manager",), ("security",)))
    assert quorum(either, said(("manager",), ("manager",)))
    assert quorum(either, said(("security",), ("security",)))


def test_a_required_role_is_within_the_number_and_not_beside_it() -> None:
    rule = ApprovalRule(2, ("manager",), required=("security",))
    assert not quorum(rule, said(("manager",), ("manager",)))
    assert not quorum(rule, said(("security",)))
    assert quorum(rule, said(("security",), ("manager",)))
    assert quorum(rule, said(("manager", "security"), ("manager",)))


def test_one_person_is_one_vote_and_another_content_is_none() -> None:
    now = datetime.now(UTC)
    twice = [Approval(Person("U1", "u1"), content, now) for content in ("h", "h", "other")]
    assert [approval.content_hash for approval in counted(twice, "h")] == ["h"]
