"""The command line: run · doctor · policy · audit · slack-manifest · sandbox."""

from bot.cli.main import app, main

__all__ = ["app", "main"]
