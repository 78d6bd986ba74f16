"""All checks at once, none longer than its time; one that breaks says so and disturbs no other."""

import asyncio
from collections.abc import AsyncIterator, Iterable
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
from bot.doctor.finding import Check, CheckOutcome, Finding, Skipped, Wrong
from bot.domain.errors import PilothouseError
from bot.runtime import logs
from bot.settings import Settings

SECONDS = 25.0


async def examine(settings: Settings, seconds: float = SECONDS) -> tuple[Finding, ...]:
    """In the order in which they are shown; each check has `seconds`. No secret is in what they say."""
    async with checks(settings) as every:
        found = await asyncio.gather(*(_found(check, seconds) for check in every))
    known = settings.secrets()
    return tuple(_without(finding, known) for finding in found)


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


async def _found(check: Check, seconds: float) -> Finding:
    finding = Finding(check.system, check.subject, CheckOutcome.GOOD)
    outcome = CheckOutcome.WRONG
    try:
        async with asyncio.timeout(seconds):
            return replace(finding, detail=await check.look())
    except Skipped as skipped:
        return replace(finding, outcome=CheckOutcome.SKIPPED, detail=skipped.why)
    except Wrong as wrong:
        detail, fix, outcome = wrong.detail, wrong.fix, wrong.outcome
    except TimeoutError:
        detail, fix = f"no answer within {seconds:g} seconds", ""
    except (PilothouseError, OSError, ValueError) as error:
        detail, fix = str(error), ""
    except Exception as error:  # noqa: BLE001 (a check that breaks must not take the others with it)
        detail, fix = f"the check broke: {type(error).__name__}", ""
    return replace(finding, outcome=outcome, detail=detail, fix=fix or check.fix)


def _without(finding: Finding, secrets: Iterable[str]) -> Finding:
    return replace(finding, detail=logs.hidden(finding.detail, secrets), fix=logs.hidden(finding.fix, secrets))
