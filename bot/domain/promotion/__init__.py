"""Promotions: moving images to an environment by changing desired state in git."""

from bot.domain.promotion.consent import Approval, ApprovalRule, Demand, Quorum, Vote, VoteKind
from bot.domain.promotion.following import Following, Progress
from bot.domain.promotion.plan import STORY, GateTerms, Kind, MissingImage, Move, Plan, SourceCommit
from bot.domain.promotion.promotion import Doubt, Phase, Promotion, Stage
from bot.domain.promotion.verdict import NOT_ASKED, GateResult, Verdict, VerdictState

__all__ = [
    "NOT_ASKED",
    "STORY",
    "Approval",
    "ApprovalRule",
    "Demand",
    "Doubt",
    "Following",
    "GateResult",
    "GateTerms",
    "Kind",
    "MissingImage",
    "Move",
    "Phase",
    "Plan",
    "Progress",
    "Promotion",
    "Quorum",
    "SourceCommit",
    "Stage",
    "Verdict",
    "VerdictState",
    "Vote",
    "VoteKind",
]
