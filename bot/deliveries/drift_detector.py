"""Whether Applications that differ from git have drifted: the cluster has changed, and what git says has not."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.deliveries.application_names import Place, fact_key
from bot.deliveries.manifest_changes import ManifestChanges
from bot.deliveries.standing import OngoingProblem, Standing, differs, due
from bot.domain.application import Application
from bot.domain.delivery import Drifted, Fact
from bot.domain.errors import IntegrationError
from bot.ports import OverlaySource

log = structlog.get_logger(__name__)

COMPARED = 20
"""Applications whose files are compared at one look"""
ASK_AGAIN = timedelta(seconds=10)
"""where git did not answer"""
Suspects = Mapping[Place, tuple[Application, Standing]]


class DriftDetector:
    """Of Applications with no commit of their own under way. Changes the standings that it is given.

    `patience`: how long a drift lasts before it is one.
    """

    def __init__(self, source: OverlaySource, patience: timedelta) -> None:
        self._manifests = ManifestChanges(source)
        self._patience = patience
        self._not_before: dict[Place, datetime] = {}

    def forget(self) -> None:
        self._not_before.clear()

    async def drifted(self, suspects: Suspects, now: datetime) -> list[Fact]:
        """Of all at the commit they were synced at, and of some of those that git must be asked about."""
        lasting = {place: suspect for place, suspect in suspects.items() if self._lasts(place, *suspect, now)}
        asking = [place for place, (app, standing) in lasting.items() if standing.bases != {app.revision}]
        later = set(asking[COMPARED:])
        found = await asyncio.gather(
            *(self._judge(place, *suspect, now) for place, suspect in lasting.items() if place not in later)
        )
        return [fact for fact in found if fact]

    def _lasts(self, place: Place, app: Application, standing: Standing, now: datetime) -> bool:
        """Whether it has lasted, and no sync is under way (A19)."""
        if not due(standing.drift, now, self._patience) or now < self._not_before.get(place, now):
            return False
        return differs(app) and app.settled

    async def _judge(self, place: Place, app: Application, standing: Standing, now: datetime) -> Fact | None:
        """None for what may be a change in git that is not synced yet: Argo CD compares with the branch's newest
        commit, whichever app that is of.
        """
        episode, last = standing.drift, standing.synced_at(app)
        assert episode is not None
        try:
            if last and await self._manifests.unchanged(app, standing.bases | last):
                standing.drift = replace(episode, recorded=True)
                return Fact(fact_key(place, "drift", episode.since), episode.since, *place, Drifted(app.out_of_sync))
            standing.changed_in_git(app)
            # It may differ for another reason than it did at first.
            if last and await self._manifests.unchanged(app, last):
                standing.drift, standing.bases = OngoingProblem(now), last
        except IntegrationError as error:
            self._not_before[place] = now + ASK_AGAIN
            log.info("deliveries.drift_not_compared", application=app.ref.name, error=str(error))
        return None
