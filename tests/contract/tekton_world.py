"""A cluster with Tekton on a real socket, for tests: pipelines small enough to be read at a glance."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from kubernetes.aio import client

from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.kubernetes import KubernetesServer
from integrations.sandbox.kubernetes.controller import Hooks, TektonController
from integrations.sandbox.serving import serve
from tests.contract.specs import CONTRACTS, crd_problems

Json = dict[str, Any]

TOKEN = "canary-tekton-admin"
GROUP = ("tekton.dev", "v1", "ci")
CRDS = {kind: f"tekton-pipeline/300-{kind.lower()}.yaml" for kind in ("PipelineRun", "TaskRun")}

DEFINITIONS = """
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: git-clone, namespace: ci}
spec:
  params: [{name: url, type: string}, {name: revision, type: string, default: main}]
  results: [{name: commit}, {name: url}, {name: version}]
  steps: [{name: clone, image: alpine/git, script: git clone}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: run-tests, namespace: ci}
spec:
  steps:
    - {name: prepare, image: python, command: [pip], args: [install, .]}
    - {name: test, image: python, command: [pytest]}
    - {image: python, command: [report]}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build-and-push, namespace: ci}
spec:
  params: [{name: image}, {name: tag, default: ""}, {name: commit, default: ""}]
  results: [{name: image}, {name: digest}]
  steps: [{name: build, image: buildah}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: tidy, namespace: ci}
spec: {steps: [{name: tidy, image: alpine, script: rm -r .}]}
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: ci-pipeline, namespace: ci}
spec:
  params: [{name: repo-url}, {name: image}, {name: args, type: array, default: [a, b]}]
  workspaces: [{name: shared-workspace}]
  results:
    - {name: digest, value: $(tasks.build-push.results.digest)}
    - {name: commit, value: $(tasks.fetch-source.results.commit)}
  tasks:
    - name: fetch-source
      taskRef: {name: git-clone}
      params: [{name: url, value: $(params.repo-url)}]
    - name: run-tests
      taskRef: {name: run-tests}
      runAfter: [fetch-source]
    - name: build-push
      taskRef: {name: build-and-push}
      runAfter: [run-tests]
      params:
        - {name: image, value: $(params.image)}
        - {name: tag, value: $(tasks.fetch-source.results.version)}
        - {name: commit, value: $(tasks.fetch-source.results.commit)}
  finally:
    - {name: tidy, taskRef: {name: tidy}}
"""


class TektonWorld:
    def __init__(self, server: KubernetesServer, clock: Clock, faults: FaultSettings, api: client.ApiClient) -> None:
        self.server = server
        self.clock = clock
        self.faults = faults
        self.custom: Any = client.CustomObjectsApi(api)
        self.core: Any = client.CoreV1Api(api)

    async def start(self, name: str = "run-1", **spec: Any) -> Json:
        body = {
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": {"name": name, "labels": {"app": "my-app"}},
            "spec": {
                "pipelineRef": {"name": "ci-pipeline"},
                "params": [
                    {"name": "repo-url", "value": "https://git.example.com/my-app"},
                    {"name": "image", "value": "harbor.example.com/apps/my-app"},
                ],
                "workspaces": [{"name": "shared-workspace", "emptyDir": {}}],
                **spec,
            },
        }  # fmt: skip
        body["spec"] = {key: value for key, value in body["spec"].items() if value is not None}  # type: ignore[attr-defined]
        created: Json = await self.custom.create_namespaced_custom_object(*GROUP, "pipelineruns", body)
        return created

    async def get(self, name: str = "run-1", plural: str = "pipelineruns") -> Json:
        found: Json = await self.custom.get_namespaced_custom_object(*GROUP, plural, name)
        return found

    async def until(self, test: Callable[[Json], bool], name: str = "run-1", plural: str = "pipelineruns") -> Json:
        """Follows the store, not the wire, so that no state is missed."""
        async with asyncio.timeout(60):
            with self.server.store.subscribe() as subscription:
                for found in self.server.store.objects("tekton.dev", plural, "ci"):
                    if found["metadata"]["name"] == name and test(found):
                        return found
                while True:
                    change: Any = await subscription.messages.get()
                    if change.key[1:] == (plural, "ci", name) and test(change.object):
                        return dict(change.object)

    async def done(self, name: str = "run-1", plural: str = "pipelineruns") -> Json:
        return await self.until(lambda run: condition(run).get("status") in ("True", "False"), name, plural)

    async def running(self, task: str, run: str = "run-1") -> Json:
        """Waits until a step of this pipeline task runs."""
        return await self.until(has_running_step, f"{run}-{task}", "taskruns")

    async def patch(self, value: Any, name: str = "run-1", plural: str = "pipelineruns") -> Json:
        changed: Json = await self.custom.patch_namespaced_custom_object(
            *GROUP, plural, name, value, _content_type="application/merge-patch+json"
        )
        return changed


def condition(run: Json) -> Json:
    found: Json = (run.get("status", {}).get("conditions") or [{}])[0]
    return found


def has_running_step(run: Json) -> bool:
    return any("running" in step for step in run.get("status", {}).get("steps", []))


@asynccontextmanager
async def tekton(speed: float = 20, hooks: Hooks | None = None, sink: str | None = None) -> AsyncIterator[TektonWorld]:
    """Every state of every run is held against the CRDs, unknown fields too, where those are."""
    clock, faults = Clock(speed), FaultSettings()
    crds = CONTRACTS / "tekton-pipeline"
    server = KubernetesServer(clock, TOKEN, crds=crds if crds.is_dir() else None)
    server.load(DEFINITIONS)
    before = server.store.version
    async with TektonController(server, clock, hooks, faults, sink), serve(server.app) as url:
        configuration = client.Configuration(host=url)
        async with client.ApiClient(configuration, "Authorization", f"Bearer {TOKEN}") as api:
            yield TektonWorld(server, clock, faults, api)
    if crds.is_dir():
        changes = [c for c in server.store.changes_since(before) if c.object["kind"] in CRDS]
        assert [p for c in changes for p in crd_problems(CRDS[c.object["kind"]], "v1", c.object)] == []
