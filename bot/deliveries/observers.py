"""The observers of the Argo CDs: one replica watches each, another takes over when it is gone."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.application_record import ApplicationRecord
from bot.domain.errors import DatabaseAway
from bot.runtime.metrics import OBSERVED
from bot.store.leases import LeaseStore

log = structlog.get_logger(__name__)

RENEW_SECONDS = 4.0
LEASE_SECONDS = 15.0
"""three renewals may be missed"""
SILENT_SECONDS = 60.0
"""without a sign of life (the server sends one every 15 s, A9) after which an observer is not alive"""
AGAIN_SECONDS = 5.0


@dataclass
class LeasedObserver:
    """`holder` is this replica's name; `clock` counts seconds since the epoch."""

    observer: ApplicationObserver
    leases: LeaseStore
    holder: str
    clock: Callable[[], float] = time.time

    @property
    def _record(self) -> ApplicationRecord:
        return self.observer.record

    @property
    def name(self) -> str:
        return f"Argo CD {self._record.name}".rstrip()

    @property
    def alive(self) -> bool:
        """Whether Argo CD is heard, by this replica or, as far as this one knows, by the one that has the lease."""
        return not self._record.following or self.silence < SILENT_SECONDS

    @property
    def silence(self) -> float:
        """Seconds since Argo CD was last heard."""
        return self._record.stream.silence(self._record.environments[0])

    async def observe_forever(self) -> None:
        """Until it is cancelled. Neither Argo CD nor the database being away ends it."""
        try:
            while True:
                await self.turn()
                await asyncio.sleep(RENEW_SECONDS if not self._record.following else AGAIN_SECONDS)
        finally:
            if self._record.following:
                with suppress(DatabaseAway):
                    await self.leases.give_up(self._lease, self.holder)

    async def turn(self) -> None:
        """Watch for as long as the lease can be renewed; return at once when somebody else has it."""
        try:
            self._record.following = await self.leases.take(self._lease, self.holder, LEASE_SECONDS)
        except DatabaseAway:
            return  # told where it was noticed
        if not self._record.following:
            return
        watching = asyncio.create_task(self.observer.observe(), name=f"observe {self.name}")
        try:
            while not watching.done() and await self._renewed():
                await asyncio.wait((watching,), timeout=RENEW_SECONDS)
        finally:
            watching.cancel()
            [ended] = await asyncio.gather(watching, return_exceptions=True)
        if isinstance(ended, Exception) and not _away(ended):
            log.warning("deliveries.observer_ended", observer=self.name, error=repr(ended))

    async def _renewed(self) -> bool:
        """A database that is away takes nobody's lease; but nothing can be written down meanwhile either."""
        try:
            self._record.following = await self.leases.take(self._lease, self.holder, LEASE_SECONDS)
        except DatabaseAway:
            return False
        OBSERVED.labels(self.name).set(self.clock() - min(self.silence, self.clock()))
        return self._record.following

    @property
    def _lease(self) -> str:
        return f"observe {self.name}"


def _away(error: BaseException) -> bool:
    return isinstance(error, DatabaseAway) or (
        isinstance(error, BaseExceptionGroup) and all(map(_away, error.exceptions))
    )
