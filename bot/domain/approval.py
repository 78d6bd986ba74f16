"""When is a yes enough? Pure."""

from collections.abc import Iterable

from bot.domain.promotion import Approval, ApprovalRule


def counted(approvals: Iterable[Approval], content_hash: str) -> tuple[Approval, ...]:
    """The approvals that are for exactly this content, one a person, the first one kept."""
    by_person: dict[str, Approval] = {}
    for approval in approvals:
        if approval.content_hash == content_hash:
            by_person.setdefault(approval.approver.id, approval)
    return tuple(by_person.values())


def quorum(rule: ApprovalRule, approvals: Iterable[Approval]) -> bool:
    """Whether enough distinct people said yes, with each required role among them."""
    given = tuple(approvals)
    people = {approval.approver.id for approval in given}
    roles = {role for approval in given for role in approval.roles}
    return len(people) >= rule.count and roles.issuperset(rule.required)


def missing(rule: ApprovalRule, approvals: Iterable[Approval]) -> str:
    """What is still wanted, as the end of "Waiting for …"."""
    given = tuple(approvals)
    roles = {role for approval in given for role in approval.roles}
    lacking = [role for role in rule.required if role not in roles]
    left = max(rule.count - len({approval.approver.id for approval in given}), len(lacking))
    who = " or ".join(lacking or rule.roles) or "an approver"
    if left == 1:
        return f"an approval from {who}" if who != "an approver" else "an approval"
    return f"{left} approvals" + (f" from {who}" if who != "an approver" else "")
