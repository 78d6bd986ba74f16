"""All checks at once, none longer than its time; one that breaks says so and disturbs no other."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.doctor import (
    alertmanager,
    argocd,
    clocks,
    database,
    harbor,
    kubernetes,
    overlays,
    policy,
    slack,
    variables,
    webhooks,
)
from bot.doctor.finding import Check, CheckOutcome, Finding, Skipped, Wrong, said
from bot.domain.errors import IntegrationError, PilothouseError, Unavailable
from bot.runtime import logs
from bot.settings import Settings

SECONDS = 25.0
Cause = tuple[str, str]
"""The system that fails and what it says ("" where it does not answer), or the words and the fix of what was found."""


async def examine(settings: Settings, seconds: float = SECONDS) -> tuple[Finding, ...]:
    """In the order in which they are shown; each check has `seconds`. No secret is in what they say."""
    async with checks(settings) as every:
        found = await asyncio.gather(*(_found(check, seconds) for check in every))
    known = settings.secrets()
    return tuple(_without(finding, known) for finding in _one_a_cause(found))


@asynccontextmanager
async def checks(settings: Settings) -> AsyncIterator[tuple[Check, ...]]:
    """What there is to check, with the connections that checks share."""
    async with policy.read(settings) as file, kubernetes.cluster(settings) as cluster, slack.workspace(settings) as api:
        yield (
            *variables.checks(),
            *policy.checks(settings, file, api),
            *database.checks(settings),
            *slack.checks(settings, api),
            *overlays.checks(settings, file),
            *argocd.checks(settings, file),
            *harbor.checks(settings),
            *kubernetes.checks(settings, cluster),
            *alertmanager.checks(settings),
            *webhooks.checks(settings),
            *clocks.checks(settings, cluster),
        )


async def _found(check: Check, seconds: float) -> tuple[Finding, Cause]:
    finding = Finding(check.system, check.subject, CheckOutcome.GOOD)
    outcome = CheckOutcome.WRONG
    try:
        async with asyncio.timeout(seconds):
            return replace(finding, detail=await check.look()), ("", "")
    except Skipped as skipped:
        return replace(finding, outcome=CheckOutcome.SKIPPED, detail=skipped.why), ("", "")
    except Wrong as wrong:
        detail, fix, outcome, cause = wrong.detail, wrong.fix, wrong.outcome, _cause(check, wrong)
    except TimeoutError:
        detail, fix, cause = f"no answer within {seconds:g} seconds", "", (check.system.casefold(), "")
    except (PilothouseError, OSError, ValueError) as error:
        detail, fix, cause = said(error), "", _cause(check, error)
    except Exception as error:  # noqa: BLE001 (a check that breaks must not take the others with it)
        detail, fix, cause = f"the check broke: {type(error).__name__}", "", (check.system, check.subject)
    return replace(finding, outcome=outcome, detail=detail, fix=fix or check.fix), cause


def _cause(check: Check, error: Exception) -> Cause:
    """Equal for what one remedy fixes: a system that does not answer, or the same refusal, in any of the checks."""
    below = error.__cause__ if isinstance(error, Wrong) else error
    if isinstance(below, IntegrationError):
        return _server(check, below.system.casefold()), "" if isinstance(below, Unavailable) else below.detail
    return (error.detail, error.fix) if isinstance(error, Wrong) else (str(error), "")


def _server(check: Check, system: str) -> str:
    """Each instance of Argo CD is a server of its own, with its own URL and token; its client says "Argo CD" of all."""
    own = check.system.casefold()
    return own if own.startswith(f"{system} ") else system


def _one_a_cause(found: Sequence[tuple[Finding, Cause]]) -> list[Finding]:
    """Only one finding of each cause stays wrong, the system's own where there is one; the others name it."""
    told: dict[Cause, list[Finding]] = {}
    for finding, cause in found:
        if finding.outcome is CheckOutcome.WRONG:
            told.setdefault(cause, []).append(finding)
    first = {cause: min(each, key=lambda one: one.system.casefold() != cause[0]) for cause, each in told.items()}

    def waits(finding: Finding, cause: Cause) -> Finding:
        owner = first.get(cause, finding)
        if owner == finding or finding.outcome is not CheckOutcome.WRONG:
            return finding
        return replace(
            finding, outcome=CheckOutcome.SKIPPED, detail=f"first fix {owner.system}: {owner.subject}", fix=""
        )

    return [waits(finding, cause) for finding, cause in found]


def _without(finding: Finding, secrets: Iterable[str]) -> Finding:
    return replace(finding, detail=logs.hidden(finding.detail, secrets), fix=logs.hidden(finding.fix, secrets))
