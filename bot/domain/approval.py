"""When is a yes enough? Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from bot.domain.authorship import same_person
from bot.domain.promotion import Approval, ApprovalRule, Demand, Promotion, Quorum, Stage
from bot.domain.sentence import listed


def together(rules: Mapping[str, ApprovalRule]) -> ApprovalRule:
    """One rule for a release train: what each app's rule asks for, all of it, under the strictest conditions.

    `rules`: app → its own rule.
    """
    found = tuple(rules.values())
    if len(found) == 1:
        return found[0]
    biggest = max(found, key=lambda rule: (rule.count, len(rule.required)))
    return replace(
        biggest,
        demands=tuple(Demand(app, tuple(map(_bare, rule.quorums))) for app, rule in rules.items()),
        expires=min(rule.expires for rule in found),
        self_approval=all(rule.self_approval for rule in found),
        author_approval=all(rule.author_approval for rule in found),
        reuse=None if any(rule.reuse is None for rule in found) else _soonest(rule.reuse for rule in found),
        remind=_soonest(rule.remind for rule in found),
        escalate_after=_soonest(rule.escalate_after for rule in found),
        escalate_to=tuple(dict.fromkeys(channel for rule in found for channel in rule.escalate_to)),
    )


def stricter(then: ApprovalRule, today: Mapping[str, ApprovalRule]) -> ApprovalRule | None:
    """Both rules at once: what one of them refuses, it refuses. None when today's asks for nothing more.

    Until when people are asked was announced with the question, and stays.

    `today`: app → its own rule.
    """
    before = then.demands or tuple(Demand(app, tuple(map(_bare, then.quorums))) for app in today)
    wanted = (Demand(app, tuple(map(_bare, rule.quorums))) for app, rule in today.items())
    more = tuple(new for new in wanted if not any(old.app == new.app and _implies(old, new) for old in before))
    rules = (then, *today.values())
    both = replace(
        then,
        demands=(*before, *more) if more else then.demands,
        self_approval=all(rule.self_approval for rule in rules),
        author_approval=all(rule.author_approval for rule in rules),
    )
    return both if both != then else None


def _implies(old: Demand, new: Demand) -> bool:
    """Whether whoever meets the old demand, in whichever way, meets the new one as well."""
    return all(any(_covers(one, other) for other in new.quorums) for one in old.quorums)


def _covers(one: Quorum, other: Quorum) -> bool:
    mine, theirs = {*one.roles, *one.required}, {*other.roles, *other.required}
    same_people = not other.roles or (bool(one.roles) and mine <= theirs)
    return one.count >= other.count and same_people and set(other.required) <= set(one.required)


def counted(approvals: Iterable[Approval], content_hash: str) -> tuple[Approval, ...]:
    """The approvals that are for exactly this content, one a person (not one an account), the first one kept."""
    kept: list[Approval] = []
    for approval in approvals:
        if approval.content_hash == content_hash and not any(same_person(approval.approver, a.approver) for a in kept):
            kept.append(approval)
    return tuple(kept)


def approved(promotion: Promotion) -> bool:
    """Whether enough people have said yes to exactly what the promotion is now."""
    return quorum(promotion.rule, counted(promotion.approvals, promotion.content_hash))


def needs_approval(promotion: Promotion) -> bool:
    """Whether people must still say yes before anything is written."""
    deciding = promotion.stage in (Stage.GATES, Stage.APPROVAL) and not promotion.phase.final
    return deciding and not approved(promotion)


def quorum(rule: ApprovalRule, approvals: Iterable[Approval]) -> bool:
    """Whether enough people have said yes; in a release train, for each of its apps."""
    given = tuple(approvals)
    return all(_met(demand, given) for demand in _demands(rule))


def missing(rule: ApprovalRule, approvals: Iterable[Approval]) -> str:
    """What is still wanted, as the end of "Waiting for …"."""
    given = tuple(approvals)
    open_ = [demand for demand in _demands(rule) if not _met(demand, given)]
    apps_by_want: dict[str, list[str]] = {}
    for demand in open_ or _demands(rule):
        spoken = _for(demand.app, given)
        want = ", or ".join(dict.fromkeys(_missing(wanted, spoken) for wanted in demand.quorums))
        apps_by_want.setdefault(want, []).append(demand.app)
    if len(apps_by_want) == 1 and len(open_) in (0, len(_demands(rule))):
        return next(iter(apps_by_want))
    return ", and ".join(f"{want} for {' and '.join(apps)}" for want, apps in apps_by_want.items())


def _demands(rule: ApprovalRule) -> tuple[Demand, ...]:
    return rule.demands or (Demand("", rule.quorums),)


def _met(demand: Demand, given: tuple[Approval, ...]) -> bool:
    spoken = _for(demand.app, given)
    return any(_reached(wanted, spoken) for wanted in demand.quorums)


def _for(app: str, given: tuple[Approval, ...]) -> tuple[Approval, ...]:
    """The approvals of those who may speak for the app, in their roles for it; "" is the only app there is."""
    if not app:
        return given
    return tuple(replace(approval, roles=approval.roles_for(app)) for approval in given if approval.speaks_for(app))


def _reached(wanted: Quorum, given: tuple[Approval, ...]) -> bool:
    people = _speaking(wanted, given)
    roles = {role for approval in given for role in approval.roles}
    return len(people) >= wanted.count and roles.issuperset(wanted.required)


def _speaking(wanted: Quorum, given: tuple[Approval, ...]) -> set[str]:
    """The people whose approvals count towards this quorum."""
    roles = {*wanted.roles, *wanted.required}
    return {approval.approver.id for approval in given if not wanted.roles or roles.intersection(approval.roles)}


def _missing(wanted: Quorum, given: tuple[Approval, ...]) -> str:
    roles = {role for approval in given for role in approval.roles}
    lacking = [role for role in wanted.required if role not in roles]
    left = max(wanted.count - len(_speaking(wanted, given)), len(lacking))
    who = listed(lacking or wanted.roles, "or")
    number = "an approval" if left == 1 else f"{left} approvals"
    return f"{number} from {who}" if who else number


def _bare(wanted: Quorum) -> Quorum:
    return Quorum(wanted.count, wanted.roles, wanted.required)


def _soonest(times: Iterable[timedelta | None]) -> timedelta | None:
    return min((time for time in times if time is not None), default=None)
