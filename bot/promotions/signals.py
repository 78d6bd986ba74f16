"""What people say to a story, and what it makes of that."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.promotion import Approval, ApprovalRule, GateResult, Promotion, Vote, VoteKind
from bot.promotions.committer import Moved

WAKE = {"wake": True}
"""Sent in place of a signal: nobody speaks, but there is reason to look again, at gates or overlay."""


@dataclass(frozen=True)
class Signal:
    """A press of a button (or its keyboard twin), as it is sent to the story."""

    kind: VoteKind
    user: str
    team: str
    content_hash: str
    request_id: str
    reason: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What came of a signal: a vote that counts, or why it does not."""

    vote: Vote | None
    refusal: str = ""
    left_out: tuple[str, ...] | None = None
    """the apps that are to stay out, where that is what was asked"""
    moved: Moved | None = None
    """who has changed the line meanwhile: then no vote counts for what the card shows"""


@dataclass(frozen=True)
class Look:
    """What was found while people are asked."""

    moved: Moved | None


@dataclass(frozen=True)
class Terms:
    """What the policy of the moment says; kept, for the next start of the process may bring another one."""

    tightened: ApprovalRule | None
    pull_request: bool
    watched: dict[str, timedelta]
    pull_request_since: bool = False
    """whether the pull request was not asked for when the promotion was"""


@dataclass(frozen=True)
class Confirmation:
    """Whether everything that was true when people decided still is."""

    results: tuple[GateResult, ...]
    approvals: tuple[Approval, ...]
    refusal: str = ""
    at: datetime | None = None
    """when that was asked (UTC)"""
    terms: Terms | None = None
    """None in journals of before they were kept"""


def with_vote(promotion: Promotion, vote: Vote) -> Promotion:
    """The promotion after a vote that counts."""
    if vote.kind is VoteKind.APPROVE:
        approval = Approval(vote.by, vote.content_hash, vote.at, vote.roles, vote.behalf, vote.voices)
        return replace(promotion, approvals=(*promotion.approvals, approval))
    return replace(promotion, rejection=vote)
