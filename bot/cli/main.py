"""Deploy to production from Slack. `pilothouse sandbox` tries it out; `pilothouse init` begins a real setup.

Exit status: 0 if all is well, 1 if something is wrong or was found, 2 if a command or an option is wrong.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Annotated, ClassVar, cast

import typer

from bot.cli.on_demand import CommandsOnDemand, OnDemand
from bot.cli.terminal import fail, not_ours, print_table, read_settings, take_settings
from bot.domain.errors import PilothouseError
from bot.runtime import logs
from bot.runtime.ending import end_after
from bot.runtime.gc import lasting
from bot.runtime.sqlite import too_old

SET_UP, LOOK, CHANGE = "Set up and run", "Look at what happened", "For people who change Pilothouse"


class Commands(CommandsOnDemand):
    elsewhere: ClassVar[dict[str, OnDemand]] = {
        "init": OnDemand("bot.cli.init", "init", SET_UP),
        "policy": OnDemand("bot.cli.policy", "policy_app", SET_UP),
        "dora": OnDemand("bot.cli.dora", "dora", LOOK),
        "audit": OnDemand("bot.cli.audit", "audit_app", LOOK),
        "reference": OnDemand("bot.cli.reference", "reference", CHANGE),
    }
    order = ("init", "run", "dora", "sandbox", "doctor", "slack-manifest", "policy", "audit", "reference")


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"pilothouse {version('pilothouse')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    env_file: Annotated[
        Path | None, typer.Option(help="Read settings from this file; variables that are set already win.")
    ] = None,
) -> None:
    if strange := not_ours():
        fail(strange)
    if env_file:
        take_settings(env_file)


def main() -> None:
    end_after(app)


@app.command(rich_help_panel=SET_UP)
def run() -> None:
    """Run the bot until it gets SIGTERM."""
    with lasting():
        from bot.app.lifetime import run as run_bot  # the command line must answer --help at once

    settings = read_settings()
    if settings.database_url.startswith("sqlite") and (why := too_old()):
        fail(why)
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    try:
        asyncio.run(run_bot(settings))
    except (PilothouseError, OSError) as error:
        fail(str(error))


@app.command(rich_help_panel=SET_UP)
def sandbox(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where the page is: 8765 by default.")] = None,
    apps: Annotated[int | None, typer.Option(min=0, help="How many more apps there are, each in development.")] = None,
) -> None:
    """Try it out: a whole delivery platform and a Slack workspace on this machine, used from a web page."""
    with lasting():
        run_sandbox = _sandbox()
    for name, value in {"PORT": port, "SANDBOX_APPS": apps}.items():
        if value is not None:
            os.environ[name] = str(value)
    run_sandbox()


def _sandbox() -> Callable[[], None]:
    """From the distribution pilothouse-sandbox; in a checkout it lies beside the bot."""
    try:
        for entry in entry_points(group="pilothouse.sandbox"):
            found: Callable[[], None] = entry.load()
            return found
        return cast("Callable[[], None]", import_module("integrations.sandbox.main").main)
    except ImportError as error:
        fail(f"The sandbox is a package of its own ({error}): in a checkout, pip install ./integrations/sandbox")


@app.command(rich_help_panel=SET_UP)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Check everything that the bot needs, and say how to fix what is wrong. Exit status 1 if anything is."""
    with lasting():
        from bot import doctor as examination

    settings = read_settings()
    logs.configure("critical", settings.log_format, settings.secrets)  # each check says itself what is wrong
    findings = asyncio.run(examination.examine(settings))
    if as_json:
        print(examination.as_json(findings))
    else:
        print_table(examination.table(findings))
        print(examination.summary(findings))
    if any(finding.outcome is examination.CheckOutcome.WRONG for finding in findings):
        sys.exit(1)


@app.command(rich_help_panel=SET_UP)
def slack_manifest(
    url: Annotated[str, typer.Option(help="The bot's public URL, for HTTP mode instead of Socket Mode.")] = "",
) -> None:
    """Print the manifest from which you create the Slack app."""
    import commands
    from bot.cli.slack_manifest import manifest
    from bot.command import CommandRegistry

    try:
        print(json.dumps(manifest(CommandRegistry.load(commands), socket_mode=not url, url=url), indent=2))
    except ValueError as error:
        fail(str(error))
