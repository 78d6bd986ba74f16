"""The command line, `pilothouse`: one module a command."""

from bot.cli.main import app, main

__all__ = ["app", "main"]
