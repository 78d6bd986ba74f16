"""What every Applications, SyncWindows and ApplicationStream does, whoever implements them."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

import pytest

from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.errors import NotFound, Unavailable
from bot.ports import Applications, ApplicationStream, SyncWindows

REF = ApplicationRef("my-app-production", "production", "apps")


class ArgoPorts(Applications, SyncWindows, ApplicationStream, Protocol):
    """All that Argo CD is asked."""


class ArgoWorld(Protocol):
    """`argocd` has my-app in three environments, Healthy at the head; production is synced only when it is asked."""

    @property
    def argocd(self) -> ArgoPorts: ...

    async def push(self) -> str:
        """A commit that changes production's image; its sha."""

    async def sicken(self) -> None:
        """Production's Deployment turns Degraded, with a message."""

    async def close_window(self) -> None:
        """No sync of production now."""

    async def break_down(self) -> None:
        """From now on nobody answers."""


def settled_at(app: Application, revision: str) -> bool:
    """Synced to it, with a health of after that sync (A19)."""
    return app.settled and app.revision == revision and app.sync is SyncStatus.SYNCED


async def until(
    read: Callable[[], Awaitable[Application]], wanted: Callable[[Application], bool], seconds: float = 30
) -> Application:
    async with asyncio.timeout(seconds):
        while True:
            found = await read()
            if wanted(found):
                return found
            await asyncio.sleep(0.03)


class ApplicationsContract:
    async def test_reads_one(self, world: ArgoWorld) -> None:
        app = await world.argocd.get(REF)
        assert app.ref == REF
        assert (app.sync, app.health) == (SyncStatus.SYNCED, HealthStatus.HEALTHY)
        assert app.settled
        assert app.url.startswith("http")
        assert app.history

    async def test_an_absent_application_is_not_found(self, world: ArgoWorld) -> None:
        """A5: with the project, absent is 404."""
        with pytest.raises(NotFound):
            await world.argocd.get(ApplicationRef("nobody-production", "production", "apps"))

    async def test_an_overview_has_all_that_the_environments_argo_cd_has(self, world: ArgoWorld) -> None:
        """A7: only what a list can select; what it cannot is read one by one."""
        apps = await world.argocd.overview("production")
        assert [app.ref.name for app in apps] == ["my-app-development", "my-app-production", "my-app-staging"]
        assert {app.ref.environment for app in apps} == {"production"}
        assert {(app.sync, app.health) for app in apps} == {(SyncStatus.SYNCED, HealthStatus.HEALTHY)}
        whole = await world.argocd.get(REF)
        found = next(app for app in apps if app.ref.name == REF.name)
        assert (found.images, found.url) == (whole.images, whole.url)
        assert not found.history
        assert found.revision in ("", whole.revision)

    async def test_environments_of_one_argo_cd_go_together(self, world: ArgoWorld) -> None:
        together = world.argocd.together(["staging", "production"])
        assert together == (("staging", "production"),)

    async def test_a_refresh_shows_the_commit_that_git_has_now(self, world: ArgoWorld) -> None:
        """A8."""
        sha = await world.push()
        app = await world.argocd.refresh(REF)
        assert (app.revision, app.sync) == (sha, SyncStatus.OUT_OF_SYNC)
        assert not settled_at(app, sha)

    async def test_a_sync_that_was_asked_for_is_not_settled(self, world: ArgoWorld) -> None:
        """A14: the reply comes before anything ran."""
        sha = await world.push()
        await world.argocd.refresh(REF)
        await world.argocd.sync(REF, sha)
        app = await world.argocd.get(REF)
        assert app.operation is not None
        assert app.operation.revision == sha

    async def test_a_sync_while_one_runs_is_no_error(self, world: ArgoWorld) -> None:
        """A15."""
        sha = await world.push()
        await world.argocd.sync(REF, sha)
        await world.argocd.sync(REF, sha)

    async def test_says_what_is_unhealthy_and_why(self, world: ArgoWorld) -> None:
        assert await world.argocd.unhealthy(REF) == ()
        await world.sicken()
        sick = await world.argocd.unhealthy(REF)
        assert ("Deployment", "my-app", HealthStatus.DEGRADED) in [(one.kind, one.name, one.health) for one in sick]
        assert sick[0].message

    async def test_windows(self, world: ArgoWorld) -> None:
        """A23."""
        assert (await world.argocd.permission(REF)).allowed
        await world.close_window()
        permission = await world.argocd.permission(REF)
        assert not permission.allowed
        assert permission.reason

    async def test_the_stream_begins_with_the_present_and_goes_on_with_changes(self, world: ArgoWorld) -> None:
        """A10."""
        assert world.argocd.silence("production") == math.inf
        assert not world.argocd.current("production")
        async with asyncio.timeout(30), aclosing(world.argocd.changes("production")) as changes:  # type: ignore[type-var]
            first = {(await anext(changes)).ref.name for _ in range(3)}
            assert world.argocd.silence("production") < 30
            assert first == {"my-app-development", "my-app-production", "my-app-staging"}
            sha = await world.push()
            await world.argocd.refresh(REF)
            while (change := await anext(changes)).ref != REF or change.revision != sha:
                pass
            assert world.argocd.current("production")
        assert not world.argocd.current("production")

    async def test_an_argo_cd_that_is_down_is_unavailable(self, world: ArgoWorld) -> None:
        await world.break_down()
        with pytest.raises(Unavailable) as told:
            await world.argocd.get(REF)
        assert told.value.system == "Argo CD"
