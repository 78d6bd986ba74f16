"""The pipeline contract on the fake, and on the Kubernetes client against an API server with Tekton, v1 and v1beta1."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.settings import KubernetesSettings
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.kubernetes import KubernetesServer
from integrations.sandbox.kubernetes.controller import TektonController
from integrations.sandbox.serving import serve
from integrations.tekton import Tekton
from tests.contract.pipelines import PipelineContract, Runner
from tests.fakes.pipelines import MemoryPipelines

TOKEN = "canary-kubernetes-token"
TEKTON = Path(__file__).parents[2] / "deploy" / "platform" / "tekton"


class MemoryWorld:
    def __init__(self) -> None:
        self.memory = MemoryPipelines()
        self.runner: Runner = self.memory

    async def begin(self, name: str) -> None:
        self.memory.begin(name)

    async def finish(self, name: str) -> None:
        self.memory.finish(name)

    async def fail(self, name: str) -> None:
        self.memory.fail(name)


class TestMemory(PipelineContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class OnlyV1Beta1:
    """A cluster from before tekton.dev/v1."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        if "/tekton.dev/v1/" in f"{scope['path']}/":
            status = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not here"}
            await JSONResponse(status, 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def kubeconfig(directory: Path, url: str, token: str = TOKEN) -> Path:
    """With two contexts: the current one leads nowhere."""
    nowhere = {"name": "nowhere", "cluster": {"server": "http://127.0.0.1:1"}}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "nowhere",
        "clusters": [nowhere, {"name": "sandbox", "cluster": {"server": url}}],
        "users": [{"name": "bot", "user": {"token": token}}],
        "contexts": [
            {"name": "nowhere", "context": {"cluster": "nowhere", "user": "bot"}},
            {"name": "sandbox", "context": {"cluster": "sandbox", "user": "bot"}},
        ],
    }
    file = directory / "kubeconfig"
    file.write_text(json.dumps(document))
    return file


def api_server(clock: Clock, faults: FaultSettings) -> KubernetesServer:
    server = KubernetesServer(clock, TOKEN, faults)
    server.load(platform())
    return server


@functools.cache
def platform() -> list[dict[str, Any]]:
    """The pipeline and the tasks that are deployed."""
    files = (TEKTON / "pipeline.yaml", *sorted((TEKTON / "tasks").glob("*.yaml")))
    manifests = [obj for file in files for obj in YAML(typ="safe").load_all(file.read_text()) if obj]
    for manifest in manifests:
        manifest["metadata"]["namespace"] = "ci"
    return manifests


class ClusterWorld:
    """Nothing runs before `begin`, `finish` or `fail`."""

    def __init__(self, runner: Runner, server: KubernetesServer, clock: Clock, faults: FaultSettings) -> None:
        self.runner = runner
        self.server = server
        self.clock = clock
        self.faults = faults
        self.stack = AsyncExitStack()
        self.controlled = False

    async def begin(self, name: str) -> None:
        await self._control(0.5)
        await self._until(name, "Running", "Failed")

    async def finish(self, name: str) -> None:
        await self._control(100)
        await self._until(name, "Succeeded", "Failed", "Completed", "Cancelled")

    async def fail(self, name: str) -> None:
        self.faults.set({"failing_step": "run-tests"})
        await self.finish(name)

    async def _control(self, speed: float) -> None:
        self.clock.speed = speed
        if not self.controlled:
            self.controlled = True
            await self.stack.enter_async_context(TektonController(self.server, self.clock, faults=self.faults))

    async def _until(self, name: str, *reasons: str) -> None:
        async with asyncio.timeout(60):
            while True:
                run = await self.runner.get(name)
                if run.reason in reasons and (run.status == "Running" or run.done):
                    return
                await asyncio.sleep(0.02)


@pytest.fixture
async def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[ClusterWorld]:
    clock, faults = Clock(), FaultSettings()
    server = api_server(clock, faults)
    app = OnlyV1Beta1(server.app) if getattr(request, "param", "") == "v1beta1" else server.app
    async with serve(app) as url:
        settings = KubernetesSettings(
            kubeconfig=kubeconfig(tmp_path, url), context="sandbox", service_account="ci-pipeline", fs_group=1000
        )
        async with Tekton(settings) as tekton:
            world = ClusterWorld(tekton, server, clock, faults)
            async with world.stack:
                yield world


class TestCluster(PipelineContract):
    @pytest.fixture
    def world(self, cluster: ClusterWorld) -> ClusterWorld:
        return cluster


@pytest.mark.parametrize("cluster", ["v1beta1"], indirect=True)
class TestOldCluster(PipelineContract):
    """T16."""

    @pytest.fixture
    def world(self, cluster: ClusterWorld) -> ClusterWorld:
        return cluster
