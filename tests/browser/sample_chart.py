"""The chart of `/dora` for docs/images: three months of two apps, drawn by what draws for people."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from bot.deliveries.dora import together
from bot.domain.delivery import Cause, ChangeFailure, Deployment, Figures, LeadTime, Outcome
from bot.domain.reply import DoraPlace, DoraReport
from bot.views.dora_chart import dora_chart
from integrations.charts.painter import ProcessPainter

DAYS = 90
BEGINS = datetime(2026, 8, 31, tzinfo=UTC)


def sample_chart() -> bytes:
    """A PNG, of the same figures each time."""
    parts = tuple(_app(name, Random(name)) for name in ("my-app", "payments"))
    total = together(parts)
    report = DoraReport((DoraPlace("production", parts, total),), BEGINS, None, total)
    return asyncio.run(ProcessPainter().paint(dora_chart(report)))


def _app(name: str, random: Random) -> Figures:
    leads = tuple(_deployed(name, random))
    failed = [lead for lead in leads if random.random() < 0.25 - 0.2 * _progress(lead.until)]
    failures = tuple(
        ChangeFailure(lead.deployment, "Degraded", lead.until, lead.until + timedelta(minutes=random.randint(10, 90)))
        for lead in failed
    )
    return Figures(name, DAYS, tuple(lead.deployment for lead in leads), leads, failures)


def _deployed(name: str, random: Random) -> Iterator[LeadTime]:
    at = BEGINS
    while (at := at + timedelta(hours=random.randint(12, 100 - int(60 * _progress(at))))) < BEGINS + timedelta(DAYS):
        change = Deployment(name, "production", f"{at:%Y%m%d%H}", Cause.PROMOTION, at, "ana", outcome=Outcome.HEALTHY)
        yield LeadTime(change, at - timedelta(hours=random.randint(3, 60 - int(40 * _progress(at)))), at, pushed=True)


def _progress(at: datetime) -> float:
    """From 0 to 1."""
    return (at - BEGINS) / timedelta(DAYS)
