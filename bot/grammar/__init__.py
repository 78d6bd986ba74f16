"""How people's words become intents: clean them, cut them, and tell apps from environments by what exists."""

from bot.grammar.place import Place, Slots
from bot.grammar.tokens import Token, tokenize
from bot.grammar.vocabulary import Vocabulary
from bot.grammar.words import IN, Words, is_image, is_revision

__all__ = ["IN", "Place", "Slots", "Token", "Vocabulary", "Words", "is_image", "is_revision", "tokenize"]
