"""Applications."""

from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from bot.domain.application import Application, ApplicationRef, ResourceHealth, SyncPermission
from bot.domain.drift import Drift


class Applications(Protocol):
    """Argo CD."""

    async def get(self, ref: ApplicationRef) -> Application:
        """Read one. Raises NotFound."""

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The environments, those together that one Argo CD serves: one overview answers for all of them."""

    async def overview(self, environment: str) -> tuple[Application, ...]:
        """All that the token may see in one environment's Argo CD, as far as an overview shows it.

        That is sync, health with its message, images and the operation's phase. What else an Application has stays
        empty, and a revision may: not every Argo CD tells it in a list. `get` reads the rest.
        """

    async def refresh(self, ref: ApplicationRef) -> Application:
        """Compare with git now, instead of at the next poll."""

    async def sync(self, ref: ApplicationRef, revision: str) -> None:
        """Start a sync to a commit ("": to what it follows); one that runs already is no error."""

    async def unhealthy(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...]:
        """The resources that are not Healthy, worst first, with what they say of themselves."""


class ApplicationOperations(Protocol):
    """What people ask Argo CD about one Application, and have it do, beside what promotions need."""

    async def drift(self, ref: ApplicationRef) -> tuple[Drift, ...]:
        """The resources whose live state is not what git says, with who wrote what differs."""

    async def terminate(self, ref: ApplicationRef) -> bool:
        """Stop the sync that runs; False when none does."""


class SyncWindows(Protocol):
    async def permission(self, ref: ApplicationRef) -> SyncPermission:
        """What the project's sync windows say to the sync that it would get now: automated where auto-sync is on."""


class ApplicationProjects(Protocol):
    async def subscribed(self, environment: str, project: str) -> tuple[tuple[str, str], ...]:
        """Trigger and Slack recipient, of each subscription that the annotations of a project ask for."""


class ApplicationStream(Protocol):
    def changes(self, environment: str) -> AsyncIterator[Application]:
        """The present state, then every change, in order per Application; nothing missed, nothing doubled."""

    def silence(self, environment: str) -> float:
        """Seconds since a stream of changes last heard from it, or read it whole; infinite where none ever did."""

    def current(self, environment: str) -> bool:
        """Whether the newest stream stands, and has told all that there is: what it told last is how it is now."""
