"""`/review p-abc all is well`: close the review that a break-glass owes."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import CloseReview
from bot.domain.reply import Reply
from bot.grammar import Words
from bot.safety.reviews import ReviewService


def parse(words: Words) -> CloseReview:
    promotion = words.identifier("the promotion that you have reviewed; its id is at the foot of its card")
    note = words.rest()
    if not note:
        words.refuse("A review needs a note.", "Say what you found behind the promotion's id.")
    return CloseReview(context=words.context, promotion=promotion, note=note)


@command("review", usage="/review PROMOTION NOTE", allow=Permission.APPROVE, parse=parse, names=False)
async def review(ask: CloseReview, caller: Caller, reviews: ReviewService) -> Reply:
    """Close the review that a break-glass owes; for approvers other than the person who broke the glass."""
    return await reviews.close(ask, caller)
