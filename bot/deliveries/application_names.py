"""Which app in which environment an Argo CD Application is, by the names that policy gives them."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from bot.overlays.catalog import Catalog, Listing
from bot.policy import Policy

PAUSE_AFTER = 500
"""overlays, for the event loop's sake"""
Place = tuple[str, str]
"""app, environment"""


class ApplicationNames:
    """Of the environments that one Argo CD serves; read anew when the overlays have changed."""

    def __init__(self, catalog: Catalog, policy: Policy, environments: Iterable[str]) -> None:
        self._catalog = catalog
        self._policy = policy
        self._environments = frozenset(environments)
        self._listing: Listing | None = None
        self._places: dict[str, Place] = {}

    async def refresh(self) -> bool:
        """Whether there are other names now. Raises IntegrationError."""
        listing = await self._catalog.listing()
        if self._listing is not None and listing.overlays.keys() == self._listing.overlays.keys():
            return False
        places: dict[str, Place] = {}
        for number, place in enumerate(listing.overlays):
            if number % PAUSE_AFTER == PAUSE_AFTER - 1:
                await asyncio.sleep(0)
            if place[1] in self._environments:
                places[self._policy.application(*place)] = place
        self._listing, self._places = listing, places
        return True

    def place(self, name: str) -> Place | None:
        """None for an Application that is nobody's here."""
        return self._places.get(name)


def fact_key(place: Place, what: str, at: datetime) -> str:
    """Of what an Argo CD shows of a place since then: the same however often it is heard."""
    return f"argocd:{what}:{int(at.timestamp())}:{place[1]}:{place[0]}"
