"""When is a yes enough? Pure."""

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.promotion import Approval, ApprovalRule, Promotion, Quorum


def counted(approvals: Iterable[Approval], content_hash: str) -> tuple[Approval, ...]:
    """The approvals that are for exactly this content, one a person, the first one kept."""
    by_person: dict[str, Approval] = {}
    for approval in approvals:
        if approval.content_hash == content_hash:
            by_person.setdefault(approval.approver.id, approval)
    return tuple(by_person.values())


def approved(promotion: Promotion) -> bool:
    """Whether enough people have said yes to exactly what the promotion is now."""
    return quorum(promotion.plan.approval, counted(promotion.approvals, promotion.content_hash))


def quorum(rule: ApprovalRule, approvals: Iterable[Approval]) -> bool:
    """Whether the rule's quorum, or one of its alternatives, is there; and so is what a train's other apps ask for."""
    given = tuple(approvals)
    return all(_any_reached(either, given) for either in rule.asked)


def together(rules: Iterable[ApprovalRule]) -> ApprovalRule:
    """One rule for several apps: the strictest, and whatever the others ask for besides. Nobody gets by with less."""
    every = tuple(dict.fromkeys(rules))
    strictest = max(every, key=lambda rule: (rule.count, len(rule.required)))
    if len(every) == 1:
        return strictest
    asked = dict.fromkeys(_bare(rule) for rule in every if not _any_reached(rule.quorums, ()))
    reuse = [rule.reuse for rule in every if rule.reuse is not None]
    return replace(
        strictest,
        also=tuple(quorums for quorums in asked if quorums != _bare(strictest)),
        expires=min(rule.expires for rule in every),
        self_approval=all(rule.self_approval for rule in every),
        author_approval=all(rule.author_approval for rule in every),
        reuse=min(reuse) if len(reuse) == len(every) else None,
    )


def _bare(rule: ApprovalRule) -> tuple[Quorum, ...]:
    return tuple(Quorum(quorum.count, quorum.roles, quorum.required) for quorum in rule.quorums)


def missing(rule: ApprovalRule, approvals: Iterable[Approval]) -> str:
    """What is still wanted, as the end of "Waiting for …"."""
    given = tuple(approvals)
    lacking = [either for either in rule.asked if not _any_reached(either, given)] or [rule.quorums]
    told = [", or ".join(dict.fromkeys(_missing(wanted, given) for wanted in either)) for either in lacking]
    return ", and ".join(dict.fromkeys(told))


def _any_reached(either: tuple[Quorum, ...], given: tuple[Approval, ...]) -> bool:
    return any(_reached(wanted, given) for wanted in either)


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
    who = " or ".join(lacking or wanted.roles)
    number = "an approval" if left == 1 else f"{left} approvals"
    return f"{number} from {who}" if who else number
