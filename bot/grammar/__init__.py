"""How people's words become intents: clean them, cut them, and tell apps from environments by what exists."""

from bot.grammar.moments import EXAMPLES, is_time
from bot.grammar.naming import IN, is_image
from bot.grammar.place import Place, Slots
from bot.grammar.starts import is_start, read_start
from bot.grammar.tokens import Token, tokenize
from bot.grammar.vocabulary import Vocabulary
from bot.grammar.words import Words, is_identifier, is_revision

__all__ = [
    "EXAMPLES",
    "IN",
    "Place",
    "Slots",
    "Token",
    "Vocabulary",
    "Words",
    "is_identifier",
    "is_image",
    "is_revision",
    "is_start",
    "is_time",
    "read_start",
    "tokenize",
]
