"""`pilothouse policy`: is the file good, and does it say what the team means?"""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bot.cli.ended_freezes import ended_windows
from bot.cli.policy_cases import CaseResult, CaseRunner, Cases, read_cases
from bot.cli.policy_reference import reference as write_reference
from bot.cli.terminal import fail, print_json, print_table, read_settings
from bot.domain.errors import IntegrationError, PolicyError
from bot.domain.sentence import listed
from bot.evaluation.loading import gate_mistakes, known_gates
from bot.policy import Policy, Roster, ineffective, load, unguarded, unreachable
from bot.policy.file import lines
from bot.views.words import count

policy_app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Check and test pilothouse.yaml. Starts nothing."
)


@policy_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The policy file.")] = Path("pilothouse.yaml"),
    slack: Annotated[
        bool,
        typer.Option("--slack", help="Also look up its users, groups and addresses in Slack, with the bot's token."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Check a policy file, and show each mistake with its line. Exit status 1 if there is one."""
    try:
        policy = _checked(file, slack)
    except PolicyError as error:
        if as_json:
            print_json({"good": False, "mistakes": [_mistake(line) for line in str(error).splitlines()]})
            raise typer.Exit(1) from None
        fail(str(error))
    warnings = lines(file, (*ineffective(policy), *unguarded(policy)))
    if as_json:
        told: dict[str, object] = {"good": True, "mistakes": [], "warnings": [_mistake(line) for line in warnings]}
        environments = [environment.name for environment in policy.environments]
        print_json(told | {"environments": environments, "bindings": len(policy.bindings)})
        return
    order = " → ".join(environment.name for environment in policy.environments)
    print(f"{file} is valid: {order}; {count(len(policy.bindings), 'binding')}.")
    for warning in warnings:
        print(f"Warning: {warning}")
    if not slack:
        print("The names were not looked up in Slack: add --slack for that.")


@policy_app.command()
def reference() -> None:
    """Print the reference of the policy file as Markdown, with every gate that is installed here."""
    print(write_reference(known_gates()), end="")


@policy_app.command("test")
def run_cases(
    file: Annotated[Path, typer.Argument(help="The file with the cases.")],
    policy: Annotated[Path, typer.Option(help="The policy file.")] = Path("pilothouse.yaml"),
) -> None:
    """Run test cases against a policy file, in your own CI. Exit status 1 if one fails.

    No other system is asked: the cases themselves say who is in which group.
    """
    try:
        cases = read_cases(file)
        findings = list(CaseRunner(_load(policy), cases.people).run(cases))
    except PolicyError as error:
        fail(str(error))
    print_table(_table(findings))
    wrong = [finding for finding in findings if not finding.holds]
    if not findings:
        places = [f"`{key}`" for key in list(Cases.model_fields)[1:]]
        fail(f"{file} has no cases. Write some under {listed(places, 'or')}.")
    if wrong:
        fail(f"{len(wrong)} of {count(len(findings), 'case')} failed.")
    print(f"{count(len(findings), 'case')} passed.")


def _checked(file: Path, slack: bool) -> Policy:
    """Raises PolicyError, one line per mistake."""
    policy = load(file, gate_mistakes)
    roster = asyncio.run(_roster(policy)) if slack else None
    policy = load(file, lambda read: unreachable(read, roster))
    if ended := list(ended_windows(policy, datetime.now(UTC))):
        raise PolicyError("\n".join(f"{file}: {sentence}" for sentence in ended))
    return policy


def _mistake(line: str) -> dict[str, object]:
    """`pilothouse.yaml:7: what is wrong`, in parts; line 0 where it is of the whole file."""
    found = re.fullmatch(r"(.*?):(\d+): (.*)", line)
    return {"line": int(found[2]), "message": found[3]} if found else {"line": 0, "message": line}


def _table(findings: list[CaseResult]) -> Table:
    table = Table("", "Case", "Expected", "Result", "Why")
    for one in findings:
        style = "" if one.holds else "red"
        table.add_row("ok" if one.holds else "WRONG", one.question, one.expected, one.found, one.why, style=style)
    return table


async def _roster(policy: Policy) -> Roster:
    from bot.doctor.policy import people_of  # clients take their time to import
    from bot.doctor.slack import workspace

    async with workspace(read_settings()) as api:
        if api is None:
            fail("--slack needs the bot token: set PILOTHOUSE_SLACK__BOT_TOKEN, or leave --slack out.")
        try:
            return await people_of(policy, api)
        except IntegrationError as error:
            fail(f"Slack did not say who the names are: {error}")


def _load(file: Path) -> Policy:
    try:
        return load(file, gate_mistakes)
    except PolicyError as error:
        fail(str(error))
