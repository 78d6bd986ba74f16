"""`/unreject my-app@v1.4.2`: it was good after all."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import ClearImage, Context
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.rejections import RejectionService


def parse(words: Words) -> ClearImage:
    app, image = words.app_and_image("the image that may be promoted again")
    words.done()
    return ClearImage(context=words.context, app=app, image=image)


def read(filled: Filled, context: Context) -> ClearImage:
    app, _, image = filled[Input.REJECTED].partition("@")
    return ClearImage(context=context, app=app, image=image)


FORM = CommandForm("Un-reject", (FormField(Input.REJECTED, needed=True),), read)


@command(
    "unreject",
    usage="/unreject APP@TAG|APP@DIGEST",
    allow=Permission.REJECT_IMAGE,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.HOLD,
    examples=("/unreject my-app@v1.4.2",),
)
async def unreject(ask: ClearImage, caller: Caller, rejections: RejectionService) -> Reply:
    """Take back the rejection of an image."""
    return await rejections.clear(ask, caller)
