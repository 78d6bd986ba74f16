"""`pilothouse reference`: the pages of docs/reference, written from the code, so that they are never out of date."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

HEAD = "<!-- written by `pilothouse reference` -->"


class ReferencePage(StrEnum):
    CLI = "cli"
    COMMANDS = "commands"
    LOG_EVENTS = "log-events"
    METRICS = "metrics"
    SETTINGS = "settings"
    SLACK_SCOPES = "slack-scopes"


def reference(
    context: typer.Context,
    page: Annotated[
        ReferencePage | None, typer.Argument(help="Print this page instead of writing all of them.")
    ] = None,
    to: Annotated[Path, typer.Option(help="Where to write the pages.")] = Path("docs/reference"),
) -> None:
    """Write docs/reference: commands, command line, settings, metrics, log events and Slack scopes."""
    if page is not None:
        print(_written(page, context), end="")
        return
    to.mkdir(parents=True, exist_ok=True)
    for each in ReferencePage:
        (to / f"{each}.md").write_text(_written(each, context))


def _written(page: ReferencePage, context: typer.Context) -> str:
    from typer.cli import get_docs_for_click

    from bot.cli import reference_pages as pages  # the command line must answer --help at once

    if page is ReferencePage.CLI:
        root = typer.Context(context.find_root().command, info_name="pilothouse")
        return f"{HEAD}\n\n{get_docs_for_click(obj=root.command, ctx=root, name='pilothouse').strip()}\n"
    writers = {
        ReferencePage.COMMANDS: pages.commands_page,
        ReferencePage.LOG_EVENTS: pages.log_events_page,
        ReferencePage.METRICS: pages.metrics_page,
        ReferencePage.SETTINGS: pages.settings_page,
        ReferencePage.SLACK_SCOPES: pages.scopes_page,
    }
    return "\n".join([HEAD, "", *writers[page](), ""])
