"""`/reject my-app@v1.4.2 leaks memory`: nobody promotes this image."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, RejectImage
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.rejections import RejectionService


def parse(words: Words) -> RejectImage:
    return words.rejected_image()


def read(filled: Filled, context: Context) -> RejectImage:
    return RejectImage(context=context, app=filled[Input.APP], image=filled[Input.IMAGE], reason=filled[Input.REASON])


FORM = CommandForm(
    "Reject an image",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.IMAGE, needed=True),
        FormField(Input.REASON, needed=True, hint="Everyone who tries to promote it reads this."),
    ),
    read,
)


@command(
    "reject image",
    usage="/reject APP@TAG|APP@DIGEST REASON",
    allow=Permission.REJECT_IMAGE,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.HOLD,
    examples=("/reject my-app@v1.4.2 it leaks memory",),
)
async def reject_image(ask: RejectImage, caller: Caller, rejections: RejectionService) -> Reply:
    """Reject an image: nobody can promote it anywhere until somebody un-rejects it.

    It is the digest that is rejected, whatever its tags will be. Where it runs already it keeps running; the answer
    says where that is.
    """
    return await rejections.reject(ask, caller)
