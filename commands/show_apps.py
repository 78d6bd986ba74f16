"""The button "All 60 apps": a release train that is longer than its message."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import ShowApps
from bot.domain.reply import Reply, TrainApps
from bot.promotions.promotions import Promotions


@command("show apps", allow=Permission.VIEW, modal="Release train")
async def show_apps(ask: ShowApps, caller: Caller, promotions: Promotions) -> Reply:
    """Name every app of a release train, with what the gates say of it and the commits that it brings."""
    if ask.wish:
        would = await promotions.preview(ask.wish, caller)  # raises NotAllowed for who may not start it
        return TrainApps(would, would.plan.apps)
    promotion = await promotions.find(ask.promotion, caller)
    return TrainApps(promotion, await promotions.seen(promotion, caller))
