"""When is a yes enough? Pure."""

from collections.abc import Iterable

from bot.domain.promotion import Approval, ApprovalRule, Quorum


def counted(approvals: Iterable[Approval], content_hash: str) -> tuple[Approval, ...]:
    """The approvals that are for exactly this content, one a person, the first one kept."""
    by_person: dict[str, Approval] = {}
    for approval in approvals:
        if approval.content_hash == content_hash:
            by_person.setdefault(approval.approver.id, approval)
    return tuple(by_person.values())


def quorum(rule: ApprovalRule, approvals: Iterable[Approval]) -> bool:
    """Whether the rule's quorum, or one of its alternatives, is there."""
    given = tuple(approvals)
    return any(_reached(wanted, given) for wanted in rule.quorums)


def missing(rule: ApprovalRule, approvals: Iterable[Approval]) -> str:
    """What is still wanted, as the end of "Waiting for …"."""
    given = tuple(approvals)
    return ", or ".join(dict.fromkeys(_missing(wanted, given) for wanted in rule.quorums))


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
