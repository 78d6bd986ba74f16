"""Why something was not done, or only now. The sentence is the bot's own, so the people that it names are mentioned."""

from dataclasses import replace
from datetime import datetime

from bot.ports import Rendered
from bot.views.layout import MESSAGE_BLOCKS, context, rendered, section, sentence
from bot.views.words import code, moment, with_mentions

LIMIT, TYPED = 2500, 300


def refusal(text: str, typed: str = "") -> Rendered:
    """`typed`: the command, to be copied and fixed, for Slack clears what was typed when it is sent."""
    said = with_mentions(text, LIMIT)
    if not typed:
        return sentence(said)
    return rendered(said, [section(said), context(f"You typed {code(typed, TYPED)}")])


def late(answer: Rendered, asked: datetime) -> Rendered:
    """An answer that comes long after its question, with when that was."""
    said = f"Late, because Pilothouse was away: you asked this at {moment(asked)}."
    blocks = answer.blocks or sentence(answer.text).blocks
    return replace(answer, text=f"{said} {answer.text}", blocks=(context(said).to_dict(), *blocks)[:MESSAGE_BLOCKS])
