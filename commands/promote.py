"""`/promote my-app from staging to production`, and release trains."""

from bot.domain.caller import Caller, Permission
from bot.domain.intent import Intent, Promote
from bot.domain.reply import DryRun, Reply, Started
from bot.grammar import Place, Slots, Words
from bot.registry import command
from bot.workflow.promotions import Promotions

MOST_APPS = 50


def parse(words: Words) -> Intent:
    reason, break_glass = words.why()
    dry_run = words.flag("dry-run")
    source = words.environment_after("from")
    everything = words.keyword("all")
    place = words.place(Slots(0 if everything else MOST_APPS, 1 if source else 2), to=("to", "on"))
    *before, environment = place.environments or ("",)
    if not environment or not (place.apps or everything):
        given = reason or dry_run or break_glass or source or everything
        return words.pick(Place(place.apps, (environment,)), also_given=bool(given))
    return Promote(
        context=words.context,
        apps=place.apps,
        environment=environment,
        source=source or "".join(before),
        reason=reason,
        dry_run=dry_run,
        break_glass=break_glass,
    )


@command(
    "promote",
    usage="/promote APP…|all [from ENV] to ENV [--dry-run] [--reason WHY] [! WHY]",
    allow=Permission.PROMOTE,
    parse=parse,
)
async def promote(ask: Promote, caller: Caller, promotions: Promotions) -> Reply:
    """Move what runs in one environment to another.

    Several apps, or `all` of them, travel as one release train: one card, one approval, one commit. Without `from`:
    the environment before the target.
    """
    if ask.dry_run:
        return DryRun(await promotions.preview(ask, caller))
    promotion = await promotions.promote(ask, caller)
    return Started(promotion, promotion.plan.channel)
