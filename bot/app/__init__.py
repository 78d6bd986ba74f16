"""The composition root: everything is made here, handed to what needs it, started, and stopped in order.

`assembly` makes the parts, `serving` makes them reachable, `lifetime` starts and stops them.
"""

from bot.app.lifetime import run

__all__ = ["run"]
