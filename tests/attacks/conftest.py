"""The core in memory, for every attack that needs it."""

from tests.unit.bot.conftest import world

__all__ = ["world"]
