"""What goes wrong around Argo CD, over real sockets: the production clients and the follower, and what they report.

The follower's clock is as fast as the stand-in's, so its refreshes and Argo CD's polls keep their real proportions.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.application import ApplicationRef
from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Following, Move, Progress
from bot.promotions.follower import Follower
from bot.settings import ArgoCDSettings, GitSettings
from integrations.argocd import ArgoCD
from integrations.git import GitRemote
from integrations.http import HttpPolicy
from integrations.sandbox.argocd import pace
from integrations.sandbox.serving import serve
from tests.unit.integrations.sandbox.argocd.world import (
    IMAGE,
    SELF_HEAL,
    TOKEN,
    World,
    application,
    path,
    project,
    running,
)

SPEED = 20.0
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
APP = "my-app-production"
NEW = f"{IMAGE}:v1.4.2"
NIGHTS: dict[str, Any] = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*-production"]}
SERVER_SIDE = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true,IncludeMutationWebhook=true"}


@dataclass
class Chase:
    """my-app is promoted in production, and followed."""

    world: World
    argocd: ArgoCD
    git: GitRemote
    told: list[Following] = field(default_factory=list)

    async def follow(self, tag: str, seconds: float, before: str = "v1.4.1") -> Following:
        """Commits the tag and follows it for at most so long (on the world's clock)."""
        sha = await self.world.promote(tag)
        [commit] = await self.git.history("", 1)
        assert commit.sha == sha
        ref = ApplicationRef(APP, "production", "apps")
        entry = OverlayImage(IMAGE, IMAGE, before)
        move = Move("my-app", path("production"), entry, Image(IMAGE, f"sha256:{'9' * 64}", tag), ref)
        began = asyncio.get_running_loop().time()

        def clock() -> datetime:
            return START + timedelta(seconds=(asyncio.get_running_loop().time() - began) * SPEED)

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds / SPEED)

        async def tell(following: tuple[Following, ...]) -> None:
            self.told.extend(following)

        follower = Follower(self.argocd, self.git, 1, self.argocd, clock=clock, sleep=sleep)
        end = await follower.follow((move,), commit, START + timedelta(seconds=seconds), tell)
        return end.following[0]

    async def told_that(self, *words: str) -> None:
        async with asyncio.timeout(30):
            while not any(all(word in one.explanation for word in words) for one in self.told):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    @property
    def said_healthy(self) -> bool:
        return Progress.HEALTHY in {one.progress for one in self.told}


@asynccontextmanager
async def chase(root: Path, **changes: Any) -> AsyncIterator[Chase]:
    """`changes`: automated (False, or a policy), server_side (True), retry, window."""
    automated = changes.get("automated", SELF_HEAL)
    app = application("production", automated or None)
    app["metadata"]["annotations"] = dict(SERVER_SIDE) if changes.get("server_side") else {}
    app["spec"]["syncPolicy"]["retry"] = changes.get("retry", {"limit": 0})
    async with (
        running(root / "world", [project(), app], speed=SPEED) as world,
        serve(world.argo.app) as argo_url,
        serve(world.git.app) as git_url,
    ):
        settings = ArgoCDSettings(url=argo_url, token=TOKEN, project="apps")
        git = GitSettings(url=f"{git_url}/deploy.git", token="git-t0ken")
        async with ArgoCD(settings, HttpPolicy(attempts=1)) as argocd, GitRemote(git, root / "cache") as remote:
            yield Chase(world, argocd, remote)


async def test_a_refused_image_is_a_failed_sync_in_the_policys_words(tmp_path: Path) -> None:
    """C13: without server-side diff."""
    async with chase(tmp_path) as it:
        it.world.faults.set({"admission_refuses": [NEW]})
        end = await it.follow("v1.4.2", 120)
    assert end.progress is Progress.FAILED
    assert "Deployment my-app" in end.explanation
    assert "denied the request" in end.explanation
    assert not it.said_healthy


async def test_synced_by_a_stale_cache_is_never_healthy(tmp_path: Path) -> None:
    """A28, C14: Argo CD says Synced and Healthy at our commit for a while, and the old image runs."""
    async with chase(tmp_path, server_side=True) as it:
        it.world.faults.set({"admission_refuses": [NEW]})
        seen: list[str] = []
        it.world.argo.store.on_change(lambda: seen.append(_sync(it.world)))
        end = await it.follow("v1.4.2", 400)
    assert "Synced" in seen[seen.index("Unknown") :], "the stale cache never answered"
    assert not it.said_healthy
    assert end.progress is Progress.WAITING
    assert "denied the request" in end.explanation


def _sync(world: World) -> str:
    return str(world.argo.store.applications[APP]["status"]["sync"]["status"])


@pytest.mark.parametrize("server_side", [False, True])
async def test_back_to_what_is_live_after_a_refusal_is_healthy(tmp_path: Path, server_side: bool) -> None:
    """A29."""
    async with chase(tmp_path, server_side=server_side) as it:
        it.world.faults.set({"admission_refuses": [NEW]})
        await it.follow("v1.4.2", 30)
        it.told.clear()
        end = await it.follow("v1.4.1", 120, before="v1.4.2")
    assert end.progress is Progress.HEALTHY


async def test_somebody_elses_sync_is_named_and_ours_comes_after_it(tmp_path: Path) -> None:
    """A31."""
    async with chase(tmp_path, automated=False) as it:
        first = await it.world.git.head()
        it.world.faults.set({"foreign_sync": [APP]})
        followed = asyncio.create_task(it.follow("v1.4.2", 400))
        await it.told_that("still syncing", first[:7])
        it.world.faults.set({"foreign_sync": []})
        end = await followed
    assert end.progress is Progress.HEALTHY


async def test_a_failed_hook_is_named_with_its_phase_and_message(tmp_path: Path) -> None:
    """A33."""
    async with chase(tmp_path) as it:
        it.world.faults.set({"hook_fails": [NEW]})
        end = await it.follow("v1.4.2", 120)
    assert end.progress is Progress.FAILED
    assert all(word in end.explanation for word in ("PreSync", "migrate", "backoff limit"))
    assert "tasks completed unsuccessfully" not in end.explanation


async def test_an_image_that_cannot_be_pulled_is_named_before_the_deadline(tmp_path: Path) -> None:
    """A33: the cause before its symptom."""
    async with chase(tmp_path) as it:
        it.world.faults.set({"pull_fails": [NEW]})
        end = await it.follow("v1.4.2", 120)
    assert end.progress is Progress.FAILED
    assert f'Back-off pulling image "{NEW}"' in end.explanation
    assert "progress deadline" not in end.explanation


@pytest.mark.parametrize("refresh", [False, True])
async def test_the_retries_of_a_bad_commit_are_named_while_they_hold_ours(tmp_path: Path, refresh: bool) -> None:
    """A34."""
    retry = {"limit": 2, "refresh": refresh, "backoff": {"duration": "40s", "factor": 1}}
    async with chase(tmp_path, retry=retry) as it:
        it.world.faults.set({"hook_fails": [NEW]})
        bad = await it.world.promote("v1.4.2")
        await it.world.until(lambda one: (one["status"].get("operationState") or {}).get("retryCount") == 1)
        end = await it.follow("v1.4.3", 300)
    assert end.progress is Progress.HEALTHY
    assert any("retries" in one.explanation and bad[:7] in one.explanation for one in it.told)


async def test_what_only_pruning_would_end_is_healthy_and_named(tmp_path: Path) -> None:
    """The image runs; a Service that git no longer has stays, for Argo CD does not prune by itself here."""
    async with chase(tmp_path, automated={"prune": False, "selfHeal": True}) as it:
        base = {"apps/my-app/base/kustomization.yaml": b"resources: [deployment.yaml]\n"}
        await it.world.git.commit(base, "No service", "Cy", "cy@example.com")
        end = await it.follow("v1.4.2", 400)
    assert (end.progress, end.sync) == (Progress.HEALTHY, "OutOfSync")
    assert "Service my-app" in end.explanation


async def test_an_application_that_never_converges_is_healthy_and_names_what_drifts(tmp_path: Path) -> None:
    async with chase(tmp_path) as it:
        it.world.faults.set({"never_converges": [APP]})
        end = await it.follow("v1.4.2", 400)
    assert (end.progress, end.sync) == (Progress.HEALTHY, "OutOfSync")
    assert "Service my-app" in end.explanation


@pytest.mark.parametrize("fault", [{"webhooks_lost": True}, {"repo_server_away": True}])
async def test_a_commit_that_argo_cd_did_not_see_takes_a_minute_and_not_a_poll(
    tmp_path: Path, fault: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A32: the refresh is asked for again."""
    monkeypatch.setattr(pace, "RESYNC", 1e6)
    async with chase(tmp_path) as it:
        it.world.faults.set(fault)
        followed = asyncio.create_task(it.follow("v1.4.2", 150))
        if "repo_server_away" in fault:
            await it.told_that("code = Unavailable")
            it.world.faults.set({"repo_server_away": False})
        end = await followed
    assert end.progress is Progress.HEALTHY


async def test_a_closed_window_is_named_and_its_opening_followed_within_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A30, A32: Argo CD itself looks again at its poll only."""
    monkeypatch.setattr(pace, "RESYNC", 1e6)
    async with chase(tmp_path) as it:
        it.world.argo.store.add_project(project(syncWindows=[NIGHTS]))
        followed = asyncio.create_task(it.follow("v1.4.2", 300))
        await it.told_that("window", str(NIGHTS["schedule"]))
        it.world.argo.store.add_project(project())
        opened = asyncio.get_running_loop().time()
        await it.world.until(lambda one: "operation" in one)
        assert (asyncio.get_running_loop().time() - opened) * SPEED < 60
        end = await followed
    assert end.progress is Progress.HEALTHY


async def test_a_revoked_token_is_named_with_its_remedy_and_a_new_one_is_used_at_once(tmp_path: Path) -> None:
    async with chase(tmp_path) as it:
        it.world.faults.set({"webhooks_lost": True})
        it.world.argo.access._token = "another"
        followed = asyncio.create_task(it.follow("v1.4.2", 300))
        await it.told_that("token is not accepted", "new token")
        it.world.argo.access._token = TOKEN
        end = await followed
    assert end.progress is Progress.HEALTHY
