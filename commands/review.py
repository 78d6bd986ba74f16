"""`/review p-abc all is well`: close the review of a promotion that broke the glass."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import CloseReview, Context
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.reviews import ReviewService


def parse(words: Words) -> CloseReview:
    promotion = words.identifier("the promotion that you have reviewed; its id is at the foot of its card")
    note = words.rest()
    if not note:
        words.refuse("A review needs a note.", "Say what you found after the promotion's id.")
    return CloseReview(context=words.context, promotion=promotion, note=note)


def read(filled: Filled, context: Context) -> CloseReview:
    return CloseReview(context=context, promotion=filled[Input.REVIEW], note=filled[Input.REASON])


FORM = CommandForm(
    "Review",
    (
        FormField(Input.REVIEW, needed=True, hint="Somebody broke the glass for it."),
        FormField(Input.REASON, needed=True, label="What you found", hint="The channel reads this."),
    ),
    read,
)


@command(
    "review",
    usage="/review PROMOTION NOTE",
    allow=Permission.APPROVE,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.DECIDE,
    examples=("/review p-7f3a the right call, logs are clean",),
)
async def review(ask: CloseReview, caller: Caller, reviews: ReviewService) -> Reply:
    """Close the review of a promotion that broke the glass; for approvers other than its requester."""
    return await reviews.close(ask, caller)
