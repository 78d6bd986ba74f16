"""May this person's word about this promotion count, now? Asked at the press, at the effect, and before the commit."""

from collections.abc import Collection, Mapping

from bot.domain import identity
from bot.domain.authorship import AddressMatch, same_person, told_apart
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, NotAllowed
from bot.domain.promotion import Promotion, Stage, VoteKind
from bot.policy import Policy, authorize, may, roles_of, shows_all, visible, who_could, who_decides
from bot.promotions.decisions import refuse_if_made
from bot.promotions.delegates import Delegates, Lent, targets_of

Voices = Mapping[str, tuple[str, ...]]
"""app → the roles in which somebody speaks for it"""


class Eligibility:
    """Raises NotAllowed with the rule and who could, or Conflict when the promotion is no longer what was looked at."""

    def __init__(self, policy: Policy, delegates: Delegates | None = None) -> None:
        self._policy = policy
        self._delegates = delegates

    async def lent_to(self, caller: Caller, promotion: Promotion) -> Lent:
        """The roles that absent people lend the caller for this. Raises IntegrationError when nobody can tell."""
        return await self._delegates.lent_to(caller, promotion) if self._delegates else Lent()

    async def standing_in(self) -> tuple[str, ...]:
        """The ids of all who stand in for somebody now, for whatever it is."""
        return await self._delegates.standing_in() if self._delegates else ()

    async def speaks_for_absent(self, caller: Caller, promotion: Promotion | None) -> bool:
        """Whether somebody who is away lends the caller a word about it.

        The lenders are looked up whether there is such a promotion or not, so that the work tells nothing. Raises
        IntegrationError when nobody can tell.
        """
        lenders = await self._delegates.lenders(caller) if self._delegates else ()
        if promotion is None or not any(self._may_approve(lender, promotion) for lender in lenders):
            return False
        return bool((await self.lent_to(caller, promotion)).roles)

    async def seen(self, promotion: Promotion, caller: Caller) -> tuple[str, ...]:
        """The apps of it that the caller may view, or decides on for somebody who is away."""
        if shows_all(self._policy, caller, promotion):
            return promotion.plan.apps
        return self.known(promotion, caller, speaks=await self.speaks_for_absent(caller, promotion))

    def known(self, promotion: Promotion, caller: Caller, *, speaks: bool) -> tuple[str, ...]:
        """`speaks`: for people who are away, about each app that goes."""
        plan = promotion.plan
        known = {*visible(self._policy, caller, plan.apps, plan.environment)}
        known |= {target.app for target in targets_of(promotion)} if speaks else set()
        return tuple(app for app in plan.apps if app in known)

    def _may_approve(self, caller: Caller, promotion: Promotion) -> bool:
        return any(may(self._policy, caller, Permission.APPROVE, target) for target in targets_of(promotion))

    def check(
        self,
        promotion: Promotion,
        kind: VoteKind,
        caller: Caller,
        content_hash: str,
        lent: frozenset[str] = frozenset(),
    ) -> Voices:
        """The apps that the caller speaks for, and in which of the roles that the rule asks for.

        `lent`: roles of people who are away.
        """
        _check_open(promotion, kind)
        if kind is VoteKind.ADJUST and self._decides(promotion, caller, lent):
            return {}
        if kind in (VoteKind.ABORT, VoteKind.ADJUST):
            self._check_owner(promotion, caller, kind)
            return {}
        _check_same_content(promotion, content_hash)
        if kind is VoteKind.APPROVE:  # a no is heard from whoever may decide, whatever was said for them
            self._check_not_spoken_for(promotion, caller)
            self._check_one_account(promotion, caller)
        return self._check_vote(promotion, kind, caller, lent)

    def check_adjusted(self, promotion: Promotion, caller: Caller, left_out: Collection[str]) -> None:
        """Whoever approves must not decide what goes: to take an app in again that was left out is to ask for it.

        Raises NotAllowed.
        """
        taken_in = [app for app in promotion.left_out if app not in left_out]
        if taken_in and caller.id != promotion.plan.requester.id:
            name = promotion.plan.requester.name
            raise NotAllowed(
                f"Only {name}, the requester, may take apps in again that are left out. Ask {name}, or promote them "
                "yourself."
            )

    def still_speaks(self, promotion: Promotion, caller: Caller, lent: frozenset[str] = frozenset()) -> Voices:
        """How an approval that the caller gave before would count today; empty when it would not."""
        try:
            return self._check_vote(promotion, VoteKind.APPROVE, caller, lent)
        except NotAllowed:
            return {}

    def _decides(self, promotion: Promotion, caller: Caller, lent: frozenset[str]) -> bool:
        """To reject a whole train, or only a part of it, takes the same: what is left needs every approval again."""
        if not shows_all(self._policy, caller, promotion):
            return False
        try:
            return bool(self._check_vote(promotion, VoteKind.REJECT, caller, lent))
        except NotAllowed:
            return False

    def _check_owner(self, promotion: Promotion, caller: Caller, kind: VoteKind) -> None:
        if caller.id == promotion.plan.requester.id and caller.active:
            return
        refusals: dict[Target, NotAllowed] = {}
        for target in targets_of(promotion):
            if not may(self._policy, caller, Permission.ADMINISTER, target):
                asker = promotion.plan.requester.name
                others = "its approvers or an administrator" if kind is VoteKind.ADJUST else "or an administrator"
                rule = f"Only {asker}, the requester, {others} may {kind} this promotion."
                refusals[target] = NotAllowed(f"{rule} {who_could(self._policy, Permission.ADMINISTER, target)}")
        if refusals:
            raise self._known_of(refusals, caller)

    def _check_vote(self, promotion: Promotion, kind: VoteKind, caller: Caller, lent: frozenset[str]) -> Voices:
        """One who may decide on one app of a release train has a word: a yes counts for that app, a no for all."""
        voices: dict[str, tuple[str, ...]] = {}
        refusals: dict[Target, NotAllowed] = {}
        for target in targets_of(promotion):
            try:
                voices[target.app] = self._roles(promotion, caller, target, lent)
            except NotAllowed as refused:
                refusals[target] = refused
        if not voices:
            raise self._known_of(refusals, caller)
        if kind is VoteKind.APPROVE:
            self._check_own_work(promotion, caller)
        return voices

    def _known_of(self, refusals: Mapping[Target, NotAllowed], caller: Caller) -> NotAllowed:
        """The refusal of an app that the caller may view; of others not even the name is told."""
        seen = (target for target in refusals if may(self._policy, caller, Permission.VIEW, target))
        helps = who_could(self._policy, Permission.ADMINISTER, Target(), without=caller.id)
        hidden = NotAllowed(f"You do not have the permission for every app of this release train. {helps}")
        return next((refusals[target] for target in seen), hidden)

    def _roles(self, promotion: Promotion, caller: Caller, target: Target, lent: frozenset[str]) -> tuple[str, ...]:
        if not lent:
            authorize(self._policy, caller, Permission.APPROVE, target)
        quorums = promotion.rule.quorums_for(target.app)
        held = lent | roles_of(self._policy, caller, target)
        wanted = {role for quorum in quorums for role in (*quorum.roles, *quorum.required)}
        anyone = any(not quorum.roles for quorum in quorums)
        if not anyone and not held & wanted:
            asked = who_decides(self._policy, wanted, target)
            raise NotAllowed(f"Only {' or '.join(sorted(wanted))} may decide on this promotion. {asked}")
        return tuple(sorted(held & wanted if wanted else held))

    def _check_not_spoken_for(self, promotion: Promotion, caller: Caller) -> None:
        for approval in promotion.approvals:
            if any(same_person(person, caller.person, self._policy.people) for person in approval.behalf):
                raise Conflict(f"{approval.approver.name} has approved on your behalf already.")

    def _check_one_account(self, promotion: Promotion, caller: Caller) -> None:
        for approval in promotion.approvals:
            other = approval.approver
            if other.id != caller.id and same_person(other, caller.person, self._policy.people):
                raise Conflict(f"You have approved this already, as {other.name}.")

    def _check_own_work(self, promotion: Promotion, caller: Caller) -> None:
        """Four eyes: neither who asked, nor (where policy says so) who wrote the newest commit."""
        rule, plan = promotion.rule, promotion.plan
        others = who_could(self._policy, Permission.APPROVE, targets_of(promotion)[0], without=caller.id)
        if same_person(caller.person, plan.requester, self._policy.people) and not rule.self_approval:
            raise NotAllowed(f"You cannot approve your own promotion. {others}")
        if rule.author_approval:
            return
        if plan.authors_unknown or not plan.authors:
            named = plan.authors_unknown if shows_all(self._policy, caller, promotion) else ()
            whose = f" for {' and '.join(named)}" if named else ""
            raise NotAllowed(
                "Policy keeps the author of the newest commit from approving, and nobody can tell who wrote it"
                f"{whose}: nobody can approve. Label the image with its source and revision, set PILOTHOUSE_GITHUB__…, "
                "or set author_approval: true."
            )
        if not identity.address(caller.person.email):
            raise NotAllowed(
                "Policy keeps the author of the newest commit from approving, and Slack does not show your confirmed "
                f"e-mail address, so you may be that author. {others}"
            )
        told = {author: told_apart(author, caller.person.email, self._policy.people) for author in plan.authors}
        if AddressMatch.SAME in told.values():
            raise NotAllowed(f"You wrote the newest commit of this image, so somebody else must approve. {others}")
        if unknown := [author for author, one in told.items() if one is AddressMatch.UNKNOWN]:
            raise NotAllowed(
                f"Policy keeps the author of the newest commit from approving, and {unknown[0]} may be you: that "
                "address is private, or of another domain than yours in Slack. Commit with the address of your Slack "
                f"profile, name whose it is under `people` in the policy, or set author_approval: true. {others}"
            )


def roles_in(voices: Voices) -> tuple[str, ...]:
    """Every role that was spoken in, for whichever app."""
    return tuple(sorted({role for roles in voices.values() for role in roles}))


def voices_of(promotion: Promotion, voices: Voices) -> dict[str, tuple[str, ...]]:
    """What an approval keeps: nothing where there is one app, for which it speaks anyway."""
    return dict(voices) if len(promotion.plan.apps) > 1 else {}


def _check_open(promotion: Promotion, kind: VoteKind) -> None:
    refuse_if_made(promotion, kind)
    if kind in (VoteKind.APPROVE, VoteKind.REJECT) and promotion.stage is not Stage.APPROVAL:
        raise Conflict("The gates have not passed yet: the buttons work once they have.")


def _check_same_content(promotion: Promotion, content_hash: str) -> None:
    if content_hash != promotion.content_hash:
        raise Conflict("This card is out of date: use the newest card.")
