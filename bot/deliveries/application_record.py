"""The Applications as their streams tell them, in memory: what has been heard is not asked for again.

A record is believed while its stream stands, has told all, and was heard just now. Otherwise, and of an Application
that it does not have, Argo CD is asked as if there were no record. See docs/decisions/0287.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.application import Application, ApplicationRef, LastKnown, ResourceHealth, Unheard
from bot.ports import Applications, ApplicationStream
from bot.runtime.clock import SYSTEM_CLOCK
from bot.runtime.one_round import once

TRUSTED_SECONDS = 30.0
"""of silence; the server gives a sign of life every 15 (A9)"""

_live: ContextVar[bool] = ContextVar("live", default=False)


@contextmanager
def asked_live() -> Iterator[None]:
    """What is asked inside is asked of Argo CD itself: its API reads Kubernetes (A8), and a stream may lose an event
    until the next list (A10).
    """
    before = _live.set(True)
    try:
        yield
    finally:
        _live.reset(before)


@dataclass
class ApplicationRecord:
    """Of one Argo CD. `following`: this replica has the lease of its observer."""

    name: str
    environments: tuple[str, ...]
    stream: ApplicationStream
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now
    following: bool = False
    _apps: dict[str, Application] = field(default_factory=dict)
    """by their names in Argo CD"""
    _seen: dict[str, Application] = field(default_factory=dict)
    """answers to a refresh that the stream has not told yet"""
    _ambiguous: set[str] = field(default_factory=set)
    """names of several Applications in different namespaces (A11), where Argo CD does not tell which is its own"""

    def forget(self) -> None:
        self._apps.clear()
        self._seen.clear()
        self._ambiguous.clear()

    def heard(self, app: Application) -> None:
        """From the stream."""
        name = app.ref.name
        if (known := self._apps.get(name)) and known.url != app.url:
            self._ambiguous.add(name)
        if app.deleted:
            self._apps.pop(name, None)
        else:
            self._apps[name] = app
        if (seen := self._seen.get(name)) and (app.deleted or not _newer(seen, app)):
            del self._seen[name]

    def answered(self, app: Application) -> None:
        """To a refresh: from now on nothing older counts."""
        known = self._apps.get(app.ref.name)
        if known and _newer(app, known):
            self._seen[app.ref.name] = app

    @property
    def current(self) -> bool:
        stream, environment = self.stream, self.environments[0]
        return self.following and stream.current(environment) and stream.silence(environment) < TRUSTED_SECONDS

    def find(self, ref: ApplicationRef) -> Application | None:
        """As it was last told. Only meaningful while the record is `current`."""
        if ref.name in self._ambiguous:
            return None
        if seen := self._seen.get(ref.name):
            return seen
        app = self._apps.get(ref.name)
        if app is None or app.ref.environment == ref.environment:
            return app
        # an Argo CD knows no environments: the next one who asks finds it named
        self._apps[ref.name] = named = replace(app, ref=replace(app.ref, environment=ref.environment))
        return named

    def last_known(self, ref: ApplicationRef) -> LastKnown | None:
        """How it was when the stream was last heard; None where this replica does not follow, or never heard of it."""
        app, unheard = self.find(ref), self.unheard
        if app is None or unheard is None or unheard.since is None:
            return None
        return LastKnown(app.sync, app.health, unheard.since)

    @property
    def unheard(self) -> Unheard | None:
        """None while it is current, and where another replica listens."""
        if self.current or not self.following:
            return None
        silence = self.stream.silence(self.environments[0])
        return Unheard(self.name, self.clock() - timedelta(seconds=silence) if silence < 10**9 else None)


class RecordedApplications(Applications):
    """Argo CD, asked only for what its record does not tell."""

    def __init__(self, applications: Applications, records: Iterable[ApplicationRecord] = ()) -> None:
        self._applications = applications
        self._records: Mapping[str, ApplicationRecord] = {
            environment: record for record in records for environment in record.environments
        }

    def record(self, environment: str) -> ApplicationRecord | None:
        """The one that may be believed now."""
        record = self._records.get(environment)
        return record if record and record.current and not _live.get() else None

    def unheard(self, environment: str) -> Unheard | None:
        record = self._records.get(environment)
        return record.unheard if record else None

    def last_known(self, ref: ApplicationRef) -> LastKnown | None:
        """For people, where Argo CD does not answer. Nothing is decided by it."""
        record = self._records.get(ref.environment)
        return record.last_known(ref) if record else None

    async def get(self, ref: ApplicationRef) -> Application:
        record = self.record(ref.environment)
        # Only Argo CD itself can tell absent from hidden (A5).
        if record and (app := record.find(ref)) and ref.project in ("", app.ref.project):
            return app
        return await once(("application", id(self), ref), lambda: _asked(self._applications, ref))

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        return self._applications.together(environments)

    async def overview(self, environment: str) -> tuple[Application, ...]:
        return await self._applications.overview(environment)

    async def refresh(self, ref: ApplicationRef) -> Application:
        app = await self._applications.refresh(ref)
        if record := self._records.get(ref.environment):
            record.answered(app)
        return app

    async def sync(self, ref: ApplicationRef, revision: str) -> None:
        await self._applications.sync(ref, revision)

    async def unhealthy(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...]:
        return await self._applications.unhealthy(ref)


async def _asked(applications: Applications, ref: ApplicationRef) -> Application:
    return await applications.get(ref)


def _newer(one: Application, other: Application) -> bool:
    """By when Argo CD compared them with git."""
    return bool(one.reconciled_at and (other.reconciled_at is None or one.reconciled_at > other.reconciled_at))
