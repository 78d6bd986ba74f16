"""The button "All 60 apps": a release train that is longer than its card."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.errors import NotAllowed, UnknownName
from bot.domain.intent import ShowApps
from bot.domain.reply import Reply, TrainApps
from bot.promotions.promotions import Promotions


@command("show apps", allow=Permission.VIEW, modal="Release train")
async def show_apps(ask: ShowApps, caller: Caller, promotions: Promotions) -> Reply:
    """Name every app of a release train, with what the gates say of it and the commits that it brings."""
    try:
        return TrainApps(await promotions.find(ask.promotion, caller, whole=True))
    except UnknownName:
        await promotions.find(ask.promotion, caller)  # who may know of none of it learns nothing more
    raise NotAllowed(
        "The list is for people who may view every app of this release train. Its requester can open it, too."
    )
