"""A house for every attack that wants one."""

from tests.unit.bot.conftest import home

__all__ = ["home"]
