"""Whose a source repository or an image is: by what pipelines have built, else by its name."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.domain.build import RunStarted
from bot.domain.source import same_repository
from bot.overlays.catalog import Catalog
from bot.store.deliveries import DeliveryStore

RECENT = timedelta(days=1)
"""each app's newest run is looked at, and all runs since then: an app may have several images"""


class Owners:
    """Raises DatabaseAway, and IntegrationError where the overlays cannot be asked for the apps that there are."""

    def __init__(self, store: DeliveryStore, catalog: Catalog, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock

    async def of_source(self, url: str) -> tuple[str, ...]:
        """The apps that are built from a source repository: several, where it holds several."""
        apps = {app for app, run in await self._runs() if run.source and same_repository(run.source, url)}
        return tuple(sorted(apps)) or await self._named(url.rstrip("/").removesuffix(".git"))

    async def of_image(self, repository: str) -> tuple[str, ...]:
        """The apps whose pipelines push to a repository (without the registry's host)."""
        apps = {app for app, run in await self._runs() if run.repository.partition("/")[2] == repository}
        return tuple(sorted(apps)) or await self._named(repository)

    async def _runs(self) -> list[tuple[str, RunStarted]]:
        recent = await self._store.of_kinds(["run-started"], self._clock() - RECENT)
        known = (*await self._store.latest("run-started"), *recent)
        return [(fact.app, fact.detail) for fact in known if isinstance(fact.detail, RunStarted)]

    async def _named(self, path: str) -> tuple[str, ...]:
        """The app that is called like the last part of a path, whatever its case: images are lower case."""
        name = path.rpartition("/")[2].lower()
        return tuple(app for app in (await self._catalog.listing()).apps if app.lower() == name)
