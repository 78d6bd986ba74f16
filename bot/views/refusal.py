"""Why something was not done. The sentence is the bot's own, so the people that it names are mentioned."""

from bot.ports import Rendered
from bot.views.layout import context, rendered, section, sentence
from bot.views.words import code, with_mentions

LIMIT, TYPED = 2500, 300


def refusal(text: str, typed: str = "") -> Rendered:
    """`typed`: the command, to be copied and fixed, for Slack clears what was typed when it is sent."""
    said = with_mentions(text, LIMIT)
    if not typed:
        return sentence(said)
    return rendered(said, [section(said), context(f"You typed {code(typed, TYPED)}")])
