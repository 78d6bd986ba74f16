"""A real Argo CD. Reads and refreshes; starts no sync."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from bot.domain.application import ApplicationRef, HealthStatus, OperationPhase, SyncStatus
from bot.domain.errors import Refused
from bot.settings import Settings
from integrations.argocd import ArgoCD
from tests.live.environment import needed

pytestmark = pytest.mark.live


@pytest.fixture
async def argocd() -> AsyncIterator[ArgoCD]:
    needed("PILOTHOUSE_ARGOCD__URL", "LIVE_ARGOCD_APPLICATION")
    async with ArgoCD(Settings().argocd) as made:
        yield made


@pytest.fixture
def ref() -> ApplicationRef:
    (name,) = needed("LIVE_ARGOCD_APPLICATION")
    return ApplicationRef(name, "live")


async def test_it_is_there_and_the_token_lives(argocd: ArgoCD) -> None:
    assert await argocd.version()
    end = argocd.token_expires()
    assert end is None or end > datetime.now(UTC)


async def test_one_application_in_every_respect(argocd: ArgoCD, ref: ApplicationRef) -> None:
    app = await argocd.get(ref)
    assert app.ref.name == ref.name
    assert app.url
    permission = await argocd.permission(ref)
    assert permission.allowed or permission.reason
    await asyncio.gather(argocd.unhealthy(ref), argocd.drift(ref))


async def test_what_healthy_is_judged_by_is_told(argocd: ArgoCD, ref: ApplicationRef) -> None:
    """A28: revision, images, operation and health; and what it follows, source by source."""
    app = await argocd.get(ref)
    if app.sync is SyncStatus.SYNCED and app.health is HealthStatus.HEALTHY:
        assert app.revision
        assert app.images
        assert app.settled
        assert app.history or app.operation
    assert app.sources
    assert all(source.repository and (source.path or source.chart) for source in app.sources)


async def test_a_board_tells_what_a_read_tells(argocd: ArgoCD, ref: ApplicationRef) -> None:
    """A7, A35: the list of selected fields, which no Argo CD must answer with less."""
    app = await argocd.get(ref)
    (listed,) = [one for one in await argocd.overview("live") if one.ref.name == ref.name]
    assert (listed.health, set(listed.images)) == (app.health, set(app.images))
    assert listed.sync is app.sync
    assert listed.revision in ("", app.revision)


async def test_why_a_sync_failed_is_told(argocd: ArgoCD) -> None:
    """A33, C13, C14: an Application that a hook, an admission policy or a bad manifest keeps from its commit."""
    (name,) = needed("LIVE_ARGOCD_TROUBLED")
    app = await argocd.get(ApplicationRef(name, "live"))
    failed = app.operation if app.operation and app.operation.phase is not OperationPhase.SUCCEEDED else None
    assert [*app.conditions, *(failed.failures if failed else ())], app


async def test_an_automated_sync_in_a_closed_window_waits(argocd: ArgoCD) -> None:
    """A30: also where the window lets people sync by hand."""
    (name,) = needed("LIVE_ARGOCD_WINDOW_CLOSED")
    permission = await argocd.permission(ApplicationRef(name, "live"))
    assert not permission.allowed
    assert permission.reason


async def test_a_refresh_reconciles(argocd: ArgoCD, ref: ApplicationRef) -> None:
    """A8."""
    before = (await argocd.get(ref)).reconciled_at
    after = (await argocd.refresh(ref)).reconciled_at
    assert after is not None
    assert before is None or after >= before


async def test_it_is_in_the_list_and_in_the_stream(argocd: ArgoCD, ref: ApplicationRef) -> None:
    """A7, A10."""
    names = {app.ref.name for app in await argocd.list("live")}
    assert ref.name in names
    async with asyncio.timeout(30), aclosing(argocd.changes("live")) as changes:  # type: ignore[type-var]
        seen = {(await anext(changes)).ref.name for _ in names}
    assert seen == names


async def test_what_is_absent_is_refused(argocd: ArgoCD) -> None:
    """A5."""
    with pytest.raises(Refused):
        await argocd.get(ApplicationRef("pilothouse-live-test-that-does-not-exist", "live"))
