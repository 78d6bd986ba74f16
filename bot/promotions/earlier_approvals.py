"""Which approvals of earlier promotions count again for the same images, where policy lets them? Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.promotion import Approval, Kind, Promotion, VoteKind


def counting_again(promotion: Promotion, past: Sequence[Sequence[Promotion]], since: datetime) -> list[Approval]:
    """Those given since then to a promotion of the same kind and images, and to which nobody has said no afterwards.

    `past`: for each app that goes, what was promoted there, newest first. Rolling back is a no as well.
    """
    same = [one for one in past[0] if one.id != promotion.id and one.images == promotion.images]
    same = [one for one in same if all(any(other.id == one.id for other in others) for others in past[1:])]
    same = [one for one in same if one.plan.kind is promotion.plan.kind and one.rejection is None]
    noes = [no for of_app in past for one in of_app if (no := _no(one, promotion))]
    return [a for one in same for a in one.approvals if a.at >= since and all(a.at > no for no in noes)]


def _no(before: Promotion, promotion: Promotion) -> datetime | None:
    """When an image that goes was rejected with it, or an app of it rolled back."""
    rejection = before.rejection
    if rejection and rejection.kind is VoteKind.REJECT and before.images & promotion.images:
        return rejection.at
    rolled_back = before.plan.kind is Kind.ROLLBACK and before.commit is not None
    return before.plan.requested_at if rolled_back else None
