"""`/history my-app [prod]`: what was promoted."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import Intent, ShowHistory
from bot.domain.reply import History, Reply
from bot.grammar import IN, Slots, Words
from bot.policy import Policy, shows_all
from bot.store.promotions import PromotionStore

SHOWN = 15


def parse(words: Words) -> Intent:
    place = words.place(Slots(), to=IN)
    if not place.app:
        words.refuse("Name an app.")
    return ShowHistory(context=words.context, app=place.app, environment=place.environment)


@command("history", usage="/history APP [ENV]", allow=Permission.VIEW, parse=parse)
async def history(ask: ShowHistory, caller: Caller, policy: Policy, store: PromotionStore) -> Reply:
    """The newest promotions of an app: what moved where, who asked and approved, and how it ended."""
    found = await store.history(ask.app, ask.environment, SHOWN)
    seen = [one for one in found if shows_all(policy, caller, one)]
    return History(ask.app, ask.environment, tuple(seen))
