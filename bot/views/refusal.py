"""Why something was not done. The sentence is the bot's own, so the people that it names are mentioned."""

from bot.ports import Rendered
from bot.views.layout import sentence
from bot.views.words import with_mentions

LIMIT = 2500


def refusal(text: str) -> Rendered:
    return sentence(with_mentions(text, LIMIT))
