"""May this person's word about this promotion count, now? Asked at the press, at the effect, and before the commit."""

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, NotAllowed
from bot.domain.promotion import Promotion, Stage, VoteKind
from bot.policy import Policy, authorize, roles_of, who_could


class Eligibility:
    """Raises NotAllowed with the rule and who could, or Conflict when the promotion is no longer what was looked at."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def check(self, promotion: Promotion, kind: VoteKind, caller: Caller, content_hash: str) -> tuple[str, ...]:
        """The roles, of those that the rule asks for, in which the caller speaks."""
        _check_open(promotion, kind)
        if kind in (VoteKind.ABORT, VoteKind.ADJUST):
            return self._check_owner(promotion, caller)
        _check_same_content(promotion, content_hash)
        return self._check_vote(promotion, kind, caller)

    def still_counts(self, promotion: Promotion, caller: Caller) -> bool:
        """Whether an approval that the caller gave before would be accepted today."""
        try:
            self._check_vote(promotion, VoteKind.APPROVE, caller)
        except NotAllowed:
            return False
        return True

    def _check_owner(self, promotion: Promotion, caller: Caller) -> tuple[str, ...]:
        if caller.id == promotion.plan.requester.id and caller.active:
            return ()
        for target in _targets(promotion):
            authorize(self._policy, caller, Permission.ADMINISTER, target)
        return ()

    def _check_vote(self, promotion: Promotion, kind: VoteKind, caller: Caller) -> tuple[str, ...]:
        rule = promotion.plan.approval
        targets = _targets(promotion)
        for target in targets:
            authorize(self._policy, caller, Permission.APPROVE, target)
        if kind is VoteKind.APPROVE:
            self._check_own_work(promotion, caller)
        held = frozenset.intersection(*(roles_of(self._policy, caller, target) for target in targets))
        wanted = {role for quorum in rule.quorums for role in (*quorum.roles, *quorum.required)}
        anyone = any(not quorum.roles for quorum in rule.quorums)
        if not anyone and not held & wanted:
            raise NotAllowed(f"Only {' or '.join(sorted(wanted))} may decide on this promotion.")
        return tuple(sorted(held & wanted if wanted else held))

    def _check_own_work(self, promotion: Promotion, caller: Caller) -> None:
        """Four eyes: neither who asked, nor (where policy says so) who wrote the newest commit."""
        rule, plan = promotion.plan.approval, promotion.plan
        others = who_could(self._policy, Permission.APPROVE, _targets(promotion)[0])
        if caller.id == plan.requester.id and not rule.self_approval:
            raise NotAllowed(f"You cannot approve your own promotion. {others}")
        if rule.author_approval:
            return
        if not plan.authors:
            raise NotAllowed(
                "Policy keeps the author of the newest commit from approving, and the source repository did not tell "
                "who that is: nobody can approve. Set PILOTHOUSE_GITHUB__…, or author_approval: true."
            )
        if caller.person.email.lower() in {author.lower() for author in plan.authors}:
            raise NotAllowed(f"You wrote the newest commit of this image, so somebody else must approve. {others}")


def _check_open(promotion: Promotion, kind: VoteKind) -> None:
    if promotion.phase.final:
        newer = f" Its place was taken by {promotion.successor}: use that card." if promotion.successor else ""
        raise Conflict(f"This promotion is over. {promotion.outcome}{newer}")
    if promotion.stage in (Stage.COMMIT, Stage.FOLLOW):
        raise Conflict("The decision has been made: the overlay is being changed. Roll back if it must not stay.")
    if kind in (VoteKind.APPROVE, VoteKind.REJECT) and promotion.stage is not Stage.APPROVAL:
        raise Conflict("The gates have not passed yet: the buttons work once they have.")


def _check_same_content(promotion: Promotion, content_hash: str) -> None:
    if content_hash != promotion.content_hash:
        raise Conflict("This card shows something else than what would be promoted now: use the newest card.")


def _targets(promotion: Promotion) -> tuple[Target, ...]:
    apps = dict.fromkeys(move.app for move in promotion.moves)
    return tuple(Target(app, promotion.plan.environment) for app in apps)
