"""`/status [my-app] [prod]`: what runs where."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import Status
from bot.domain.reply import Reply, StatusBoard
from bot.grammar import IN, Slots, Words
from bot.queries.status import DETAILED, StatusQuery


def parse(words: Words) -> Status:
    place = words.place(Slots(), to=IN)
    return Status(context=words.context, app=place.app, environment=place.environment)


@command("status", usage="/status [APP] [ENV]", allow=Permission.VIEW, parse=parse)
async def status(ask: Status, caller: Caller, board: StatusQuery) -> Reply:
    """What runs where, how Argo CD finds it, and which promotions are under way.

    Slack has a `/status` of its own, for what stands beside your name: where that one answers instead,
    `/pilothouse status` always works.
    """
    rows = await board.rows(ask.app, ask.environment, caller)
    return StatusBoard(rows, looked_up=len(rows) <= DETAILED)
