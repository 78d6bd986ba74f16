"""The platform's own pipeline, from deploy/, run by the sandbox's Tekton."""

import asyncio
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from integrations.sandbox.clock import Clock
from integrations.sandbox.kubernetes import KubernetesServer
from integrations.sandbox.kubernetes.controller import Build, Hooks, ManifestUpdate, Signing, TektonController, Written
from integrations.sandbox.kubernetes.controller.cluster import PIPELINE_RUN

TEKTON = Path(__file__).parents[5] / "deploy" / "platform" / "tekton"


def manifests() -> list[dict[str, Any]]:
    paths = [TEKTON / "pipeline.yaml", *sorted((TEKTON / "tasks").glob("*.yaml"))]
    found = [obj for path in paths for obj in YAML(typ="safe").load_all(path.read_text())]
    for obj in found:
        obj["metadata"]["namespace"] = "ci"
    return found


async def test_it_builds_signs_and_writes_the_overlay_in_this_order() -> None:
    calls: list[object] = []

    async def build(value: Build) -> str:
        calls.append(value)
        return "sha256:" + "a" * 64

    async def sign(value: Signing) -> None:
        calls.append(value)

    async def write(value: ManifestUpdate) -> Written:
        calls.append(value)
        return Written("b" * 40)

    server = KubernetesServer(Clock(50), "token")
    server.load(manifests())
    hooks = Hooks(on_image_built=build, on_sign=sign, on_update_manifest=write)
    async with TektonController(server, Clock(50), hooks), asyncio.timeout(60):
        with server.store.subscribe() as subscription:
            server.operations.create(PIPELINE_RUN, "ci", pipeline_run())
            run: dict[str, Any] = {}
            while "completionTime" not in run.get("status", {}):
                change: Any = await subscription.messages.get()
                run = change.object if change.key.resource == "pipelineruns" else run
    assert run["status"]["conditions"][0]["reason"] == "Succeeded"
    results = {result["name"]: result["value"] for result in run["status"]["results"]}
    built, signed, written = calls
    assert isinstance(built, Build)
    assert results == {"image": built.image, "digest": "sha256:" + "a" * 64, "commit": built.commit, "held": ""}
    assert signed == Signing("harbor.example.com/apps/my-app", "sha256:" + "a" * 64)
    assert isinstance(written, ManifestUpdate)
    assert (written.app, written.environment, written.tag) == ("my-app", "development", built.tag)
    assert written.run == run["metadata"]["name"]
    assert written.hold_url.endswith("/pipeline/hold")


def pipeline_run() -> dict[str, Any]:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "ci-pipeline-"},
        "spec": {
            "pipelineRef": {"name": "ci-pipeline"},
            "params": [
                {"name": "repo-url", "value": "https://git.example.com/my-app.git"},
                {"name": "image", "value": "harbor.example.com/apps/my-app"},
            ],
            "workspaces": [{"name": "shared-workspace", "volumeClaimTemplate": {"spec": {}}}],
        },
    }
