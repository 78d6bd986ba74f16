"""The Argo CD contract on the fake and, over a socket, on the client; every exchange obeys the official description."""

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.application import (
    Application,
    ApplicationRef,
    HealthStatus,
    OperationPhase,
    ResourceHealth,
    SyncStatus,
)
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Following, Move, Progress
from bot.promotions.follower import Follower
from bot.settings import ArgoCDSettings
from integrations.argocd import ArgoCD, ArgoCDs
from integrations.http import HttpPolicy
from integrations.sandbox.argocd import pace
from integrations.sandbox.serving import serve
from tests.contract.applications import REF, ApplicationsContract, ArgoPorts, settled_at, until
from tests.contract.covered import Covered
from tests.contract.swagger import Description, Held
from tests.fakes.applications import MemoryApplications
from tests.fakes.overlays import MemoryOverlays
from tests.unit.integrations.sandbox.argocd.world import (
    ENVIRONMENTS,
    IMAGE,
    SELF_HEAL,
    TOKEN,
    World,
    application,
    overlay,
    path,
    project,
    running,
)

STREAMS = frozenset({"ApplicationService_Watch", "ApplicationService_PodLogs2"})
FIELDS = {"ApplicationService_List": frozenset({"fields"})}
QUICK = HttpPolicy(attempts=2, backoff=0.01)
NIGHTS = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*-production"]}


def described() -> Description:
    # A7: `fields` is read, though the description does not have it; can-i's subresource is "project/application"
    return Description("argocd.swagger.json", extra=FIELDS, deep=frozenset({"subresource"}))


def client(url: str, token: str = TOKEN, project: str = "apps") -> ArgoCD:
    settings = ArgoCDSettings(url=url, token=token, project=project)
    return ArgoCD(settings, QUICK, relist=timedelta(seconds=5))


class MemoryWorld:
    def __init__(self) -> None:
        self.fake = MemoryApplications()
        for environment in ENVIRONMENTS:
            name = f"my-app-{environment}"
            ref = ApplicationRef(name, environment, "apps")
            url = f"https://argocd.example.com/applications/argocd/{name}"
            self.fake.put(Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, url=url))
            self.fake.deploy(name, "a" * 40)

    @property
    def argocd(self) -> ArgoPorts:
        return self.fake

    async def push(self) -> str:
        self.fake.push(REF.name, "b" * 40)
        return "b" * 40

    async def sicken(self) -> None:
        message = "Deployment has minimum availability."
        self.fake.sicken(REF.name, ResourceHealth("Deployment", "my-app", "my-app", HealthStatus.DEGRADED, message))

    async def close_window(self) -> None:
        self.fake.close_window(REF.name, "A deny window is active.")

    async def break_down(self) -> None:
        self.fake.failing = Unavailable("Argo CD", "read", "no connection")


class SocketWorld:
    def __init__(self, world: World, argocd: ArgoCD) -> None:
        self.world = world
        self.client = argocd

    @property
    def argocd(self) -> ArgoPorts:
        return self.client

    async def push(self) -> str:
        return await self.world.promote("v1.9.9")

    async def sicken(self) -> None:
        self.world.faults.set({"unhealthy_rollout": [REF.name]})
        await self.client.sync(REF, await self.push())
        await until(lambda: self.client.get(REF), lambda app: app.health is HealthStatus.DEGRADED)

    async def close_window(self) -> None:
        self.world.argo.store.add_project(project(syncWindows=[NIGHTS]))

    async def break_down(self) -> None:
        self.world.faults.set({"weather": {"argocd": "down"}})


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[World, Held, str]]:
    """Argo CD on a socket: development and staging are synced by themselves, production by people."""
    manifests = [
        project(),
        application("development", SELF_HEAL),
        application("staging", SELF_HEAL),
        application("production"),
    ]
    async with running(tmp_path, manifests) as world:
        held = Held(world.argo.app, described(), streams=STREAMS)
        async with serve(held) as url:
            yield world, held, url


class TestFake(ApplicationsContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestClient(ApplicationsContract):
    @pytest.fixture
    async def world(self, served: tuple[World, Held, str]) -> AsyncIterator[SocketWorld]:
        world, held, url = served
        async with client(url) as argocd:
            yield SocketWorld(world, argocd)
        if world.faults.now.weather["argocd"] == "fine":
            assert held.problems() == []


Call = Callable[[ArgoCD, World], Awaitable[object]]

CALLS: dict[str, tuple[Call, str]] = {
    "get": (lambda argocd, _: argocd.get(REF), "ApplicationService_Get"),
    "list": (
        lambda argocd, _: argocd.list(
            "production", selector="environment=production", projects=["apps"], fields=["metadata.name", "spec"]
        ),
        "ApplicationService_List",
    ),
    "overview": (lambda argocd, _: argocd.overview("production"), "ApplicationService_List"),
    "refresh": (lambda argocd, _: argocd.refresh(REF), "ApplicationService_Get"),
    "sync": (lambda argocd, _: argocd.sync(REF, "main"), "ApplicationService_Sync"),
    "terminate": (lambda argocd, _: argocd.terminate(REF), "ApplicationService_TerminateOperation"),
    "unhealthy": (lambda argocd, _: argocd.unhealthy(REF), "ApplicationService_ResourceTree"),
    "drift": (lambda argocd, _: argocd.drift(REF), "ApplicationService_ManagedResources"),
    "permission": (lambda argocd, _: argocd.permission(REF), "ApplicationService_GetApplicationSyncWindows"),
    "subscribed": (lambda argocd, _: argocd.subscribed("production", "apps"), "ProjectService_Get"),
    "changes": (lambda argocd, _: first_change(argocd), "ApplicationService_Watch"),
    "may": (lambda argocd, _: argocd.may("sync", REF), "AccountService_CanI"),
    "version": (lambda argocd, _: argocd.version(), "VersionService_Version"),
}
WITHOUT_REQUEST = {"token_expires", "together", "silence", "current", "aclose"}


async def first_change(argocd: ArgoCD) -> None:
    await anext(argocd.changes("production"))


@pytest.mark.parametrize("name", CALLS)
async def test_every_request_and_answer_obeys_the_official_description(
    name: str, served: tuple[World, Held, str]
) -> None:
    """A7 for the list with `fields`, A13 for the sync."""
    world, held, url = served
    call, operation = CALLS[name]
    async with client(url) as argocd:
        await call(argocd, world)
    assert operation in held.operations()
    assert held.problems() == []


def test_no_operation_of_the_client_is_without_a_contract_test(covered: Covered) -> None:
    public = {name for name, value in vars(ArgoCD).items() if callable(value) and not name.startswith("_")}
    assert public - WITHOUT_REQUEST == set(CALLS)
    covered("Argo CD", f"{len(CALLS)} operations, all held against the official description")


async def test_a_delete_without_body_says_what_it_carries(served: tuple[World, Held, str]) -> None:
    """A2, A17: the server refuses it otherwise; and nothing to stop is no error."""
    _, held, url = served
    async with client(url) as argocd:
        assert await argocd.terminate(REF) is False
    assert held.exchanges[-1].headers["content-type"] == "application/json"


async def test_a_running_sync_is_terminated(served: tuple[World, Held, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A17."""
    world, _, url = served
    monkeypatch.setattr(pace, "SYNC", 1e6)  # seconds: it does not end by itself
    async with client(url) as argocd:
        await argocd.sync(REF, await world.promote("v1.9.9"))
        await until(lambda: argocd.get(REF), lambda app: bool(app.operation and not app.operation.pending))
        assert await argocd.terminate(REF)
        ended = await until(lambda: argocd.get(REF), lambda app: bool(app.operation and app.operation.finished))
        assert await argocd.terminate(REF) is False
    assert ended.operation is not None
    assert (ended.operation.phase, ended.operation.message) == (OperationPhase.FAILED, "Operation terminated")


async def test_an_application_in_another_namespace_is_named_with_it(served: tuple[World, Held, str]) -> None:
    """Argo CD calls it `namespace/name`, and wants the namespace apart (A11)."""
    world, held, url = served
    manifest = application("production")
    manifest["metadata"] |= {"name": "shop", "namespace": "team-a"}
    namesake = copy.deepcopy(manifest)
    namesake["metadata"]["namespace"] = "team-b"
    await world.argo.load([manifest, namesake])
    ref = ApplicationRef("team-a/shop", "production", "apps")
    async with client(url) as argocd:
        sha = await world.promote("v1.9.9")
        app = await argocd.refresh(ref)
        assert (app.ref, app.revision) == (ref, sha)
        assert app.url.endswith("/applications/team-a/shop")
        await argocd.sync(ref, sha)
        await until(lambda: argocd.get(ref), lambda app: settled_at(app, sha) and app.health is HealthStatus.HEALTHY)
        other = await argocd.get(ApplicationRef("team-b/shop", "production", "apps"))
        assert not other.history
        listed = [app.ref.name for app in await argocd.list("production", fields=["metadata.name"])]
        assert {"my-app-production", "team-a/shop", "team-b/shop"} <= set(listed)
        assert await argocd.terminate(ref) is False
        assert (await argocd.unhealthy(ref), await argocd.drift(ref)) == ((), ())
        assert (await argocd.permission(ref)).allowed
        assert await argocd.may("sync", ref)
        with pytest.raises(NotFound):
            await argocd.get(ApplicationRef("team-c/shop", "production", "apps"))
        async with asyncio.timeout(30):
            seen: set[str] = set()
            async with aclosing(argocd.changes("production")) as changes:  # type: ignore[type-var]
                while not {"team-a/shop", "team-b/shop", "my-app-production"} <= seen:
                    seen.add((await anext(changes)).ref.name)
    assert held.problems() == []


async def test_a_whole_sync_settles_at_its_own_commit(served: tuple[World, Held, str]) -> None:
    """A14, A16, A19, A20."""
    world, _, url = served
    async with client(url) as argocd:
        sha = await world.promote("v1.9.9")
        await argocd.refresh(REF)
        await argocd.sync(REF, sha)
        seen: list[Application] = []

        async def look() -> Application:
            seen.append(await argocd.get(REF))
            return seen[-1]

        done = await until(look, lambda app: settled_at(app, sha) and app.health is HealthStatus.HEALTHY)
        assert not settled_at(seen[0], sha)
        assert done.images == (f"{IMAGE}:v1.9.9",)
    newest = max(done.history, key=lambda entry: entry.id)
    assert newest.revision == sha
    assert done.history[-1] == newest


async def test_a_failed_attempt_that_will_be_retried_is_not_finished(served: tuple[World, Held, str]) -> None:
    """A16."""
    world, _, url = served
    world.argo.fail_next_sync(REF.name, "admission webhook denied the request")
    async with client(url) as argocd:
        sha = await world.promote("v1.9.9")
        await argocd.sync(REF, sha)
        waiting = await until(lambda: argocd.get(REF), lambda app: bool(app.operation and app.operation.retrying))
        assert waiting.operation is not None
        assert waiting.operation.finished_at is not None
        assert not waiting.operation.finished
        await until(lambda: argocd.get(REF), lambda app: settled_at(app, sha))


async def test_automated_sync_refuses_another_revision(served: tuple[World, Held, str]) -> None:
    """A15."""
    _, _, url = served
    async with client(url) as argocd:
        ref = ApplicationRef("my-app-staging", "staging", "apps")
        assert (await argocd.get(ref)).auto_sync
        with pytest.raises(Refused, match="auto-sync"):
            await argocd.sync(ref, "0" * 40)


async def test_a_deny_window_refuses_the_sync_in_words(served: tuple[World, Held, str]) -> None:
    """A15, A23."""
    world, _, url = served
    world.argo.store.add_project(project(syncWindows=[NIGHTS]))
    async with client(url) as argocd:
        with pytest.raises(Refused, match="blocked by sync window"):
            await argocd.sync(REF, "main")
        permission = await argocd.permission(REF)
    assert '"* * * * *" for 1h' in permission.reason


async def test_an_automated_sync_waits_in_a_window_that_lets_people_through(served: tuple[World, Held, str]) -> None:
    """A30: `canSync` says yes, and the automated sync waits all the same, until the window has ended."""
    world, _, url = served
    backup = {**NIGHTS, "applications": ["my-app-*"], "manualSync": True}
    world.argo.store.add_project(project(syncWindows=[backup]))
    staging = ApplicationRef("my-app-staging", "staging", "apps")
    async with client(url) as argocd:
        answer = await world.http.get("/api/v1/applications/my-app-staging/syncwindows")
        assert answer.json()["canSync"] is True
        assert (await argocd.permission(REF)).allowed  # synced by people
        held = await argocd.permission(staging)
        assert not held.allowed
        assert '"* * * * *" for 1h' in held.reason
        sha = await world.promote("v1.9.9", "staging")
        waiting = await argocd.refresh(staging)
        assert (waiting.revision, waiting.sync) == (sha, SyncStatus.OUT_OF_SYNC)
        assert waiting.operation is None or waiting.operation.revision != sha
        world.argo.store.add_project(project())
        assert (await argocd.permission(staging)).allowed
        await argocd.refresh(staging)
        await until(lambda: argocd.get(staging), lambda app: settled_at(app, sha))


async def test_absent_application_is_403_without_project(served: tuple[World, Held, str]) -> None:
    """A5: it may be absent or forbidden, so it is Refused and not NotFound."""
    _, _, url = served
    nobody = ApplicationRef("nobody-production", "production")
    async with client(url, project="") as argocd:
        with pytest.raises(Refused) as told:
            await argocd.get(nobody)
    assert not isinstance(told.value, NotFound)


async def test_a_wrong_token_is_refused_and_not_repeated(served: tuple[World, Held, str]) -> None:
    """A1, A3, A4."""
    _, _, url = served
    async with client(url, token="canary-t0ken") as argocd:
        with pytest.raises(Refused, match="token is not accepted") as told:
            await argocd.get(REF)
    assert "canary-t0ken" not in repr(told.value)


async def test_an_unknown_path_is_no_absent_application(served: tuple[World, Held, str]) -> None:
    """A3: routing errors are plain text."""
    _, _, url = served
    async with client(f"{url}/somewhere") as argocd:
        with pytest.raises(Refused, match="does not lead to the API") as told:
            await argocd.get(REF)
    assert not isinstance(told.value, NotFound)


async def test_the_stream_survives_an_error_in_its_midst_and_misses_nothing(served: tuple[World, Held, str]) -> None:
    """A9, A10: the error comes with HTTP 200 in a last line; what happened meanwhile is found by listing again."""
    world, _, url = served
    seen: list[Application] = []
    async with client(url) as argocd:
        changes = argocd.changes("production")

        async def follow(wanted: Callable[[Application], bool]) -> None:
            async with asyncio.timeout(30):
                while not (seen and wanted(seen[-1])):
                    seen.append(await anext(changes))

        seen += [await anext(changes) for _ in range(3)]
        world.argo.break_streams()
        sha = await world.promote("v1.9.9", "staging")
        await follow(
            lambda a: a.ref.name == "my-app-staging" and settled_at(a, sha) and a.health is HealthStatus.HEALTHY
        )
        await changes.aclose()  # type: ignore[attr-defined]
    per_app = [app for app in seen if app.ref.name == "my-app-staging"]
    assert all(one != other for one, other in itertools.pairwise(per_app))
    moments = [app.reconciled_at for app in per_app if app.reconciled_at]
    assert moments == sorted(moments)


async def test_a_deleted_application_is_told_as_missing(served: tuple[World, Held, str]) -> None:
    world, _, url = served
    async with client(url) as argocd:
        changes = argocd.changes("production")
        for _ in range(3):
            await anext(changes)
        world.argo.store.delete("my-app-development")
        async with asyncio.timeout(30):
            while (change := await anext(changes)).ref.name != "my-app-development":
                pass
        await changes.aclose()  # type: ignore[attr-defined]
    assert (change.health, change.sync) == (HealthStatus.MISSING, SyncStatus.UNKNOWN)


async def test_the_stream_of_a_client_that_is_refused_says_so(served: tuple[World, Held, str]) -> None:
    _, _, url = served
    async with client(url, token="wrong") as argocd, asyncio.timeout(30):
        with pytest.raises(Refused):
            await anext(argocd.changes("production"))


async def test_drift_names_the_place(served: tuple[World, Held, str]) -> None:
    """A21."""
    world, _, url = served
    async with client(url) as argocd:
        assert await argocd.drift(REF) == ()
        world.argo.drift(REF.name, f"{IMAGE}:hand-made")
        await argocd.refresh(REF)
        (drift,) = await argocd.drift(REF)
    assert (drift.kind, drift.name) == ("Deployment", "my-app")
    (difference,) = drift.differences
    assert difference.path == "spec.template.spec.containers[my-app].image"
    assert (difference.manager, difference.at is not None) == ("kubectl-set", True)
    assert (difference.live, difference.target) == (f"{IMAGE}:hand-made", f"{IMAGE}:{ENVIRONMENTS['production']}")


async def test_each_environment_has_its_own_argo_cd(served: tuple[World, Held, str]) -> None:
    _, _, url = served
    async with client("http://127.0.0.1:1") as elsewhere, client(url) as here:
        argocds = ArgoCDs(elsewhere, {"production": here})
        assert (await argocds.get(REF)).ref == REF
        with pytest.raises(Unavailable):
            await argocds.overview("staging")


async def test_an_image_that_the_base_renames_never_runs_and_is_never_called_healthy(
    served: tuple[World, Held, str],
) -> None:
    """An entry that matches nothing is ignored: Synced and Healthy at our commit, with the old image."""
    world, _, url = served
    base = f"resources: [deployment.yaml, service.yaml]\nimages:\n- {{name: {IMAGE}, newName: {IMAGE}2, newTag: v1}}\n"
    await world.git.commit({"apps/my-app/base/kustomization.yaml": base.encode()}, "Rename", "Cy", "cy@example.com")
    entry = OverlayImage(IMAGE, IMAGE, "v1.4.2")
    ref = ApplicationRef("my-app-staging", "staging", "apps")
    sha = await world.promote("v1.9.9", "staging")
    overlays = MemoryOverlays({path("staging"): overlay("v1.9.9")})
    commit = replace(overlays.log[-1], sha=sha)
    overlays._log[:], overlays._trees[sha] = [commit], {path("staging"): overlay("v1.9.9")}
    move = Move("my-app", path("staging"), entry, Image(IMAGE, f"sha256:{'9' * 64}", "v1.9.9"), ref)
    told: list[Following] = []

    async def tell(following: tuple[Following, ...]) -> None:
        told.extend(following)

    async with client(url) as argocd:
        deadline = datetime.now(UTC) + timedelta(seconds=8)
        end = await Follower(argocd, overlays, 0.1).follow((move,), commit, deadline, tell)
        app = await argocd.get(ref)
    assert (app.sync, app.health, app.revision) == (SyncStatus.SYNCED, HealthStatus.HEALTHY, sha)
    assert not end.healthy
    assert Progress.HEALTHY not in {one.progress for one in told}
    assert f"{IMAGE}2:v1" in end.following[0].explanation
