"""The command line, `pilothouse`: one module a command."""

from bot.runtime.gc import lasting

with lasting():
    from bot.cli.main import app, main

__all__ = ["app", "main"]
