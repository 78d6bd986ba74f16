"""`/unreject my-app@1.4.2`: it was good after all."""

from bot.domain.caller import Caller, Permission
from bot.domain.intent import Intent
from bot.domain.reply import Reply
from bot.domain.safety_intent import ClearImage
from bot.grammar import Words
from bot.registry import command
from bot.safety.rejections import RejectionDesk


def parse(words: Words) -> Intent:
    app, image = words.app_and_image("the image that may go again")
    words.done()
    return ClearImage(context=words.context, app=app, image=image)


@command("unreject", usage="/unreject APP@TAG|APP@DIGEST", allow=Permission.REJECT_IMAGE, parse=parse, names=False)
async def unreject(ask: ClearImage, caller: Caller, rejections: RejectionDesk) -> Reply:
    """Take the rejection of an image back."""
    return await rejections.clear(ask, caller)
