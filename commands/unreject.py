"""`/unreject my-app@1.4.2`: it was good after all."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import ClearImage, Intent
from bot.domain.reply import Reply
from bot.grammar import Words
from bot.safety.rejections import RejectionService


def parse(words: Words) -> Intent:
    app, image = words.app_and_image("the image that may go again")
    words.done()
    return ClearImage(context=words.context, app=app, image=image)


@command("unreject", usage="/unreject APP@TAG|APP@DIGEST", allow=Permission.REJECT_IMAGE, parse=parse, names=False)
async def unreject(ask: ClearImage, caller: Caller, rejections: RejectionService) -> Reply:
    """Take the rejection of an image back."""
    return await rejections.clear(ask, caller)
