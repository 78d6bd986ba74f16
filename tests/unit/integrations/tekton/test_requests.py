"""What we ask an API server, held against what the generated classes ask, which we do not load (decision 408)."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import client  # whose APIs are imported when they are asked for
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.sandbox.serving import serve
from integrations.tekton.cluster import Apis, Cluster
from integrations.tekton.objects import PAGE, WATCH_SECONDS, Objects
from integrations.tekton.probe import ClusterProbe, Right
from tests.unit.integrations.tekton.test_cluster import QUICK, settings

RUNS = ("tekton.dev", "v1", "c i", "pipelineruns")
BODY = {"metadata": {"name": "a"}}
REQUESTS: dict[str, tuple[Callable[[Any], Awaitable[Any]], Callable[[Objects], Awaitable[Any]]]] = {
    "get": (
        lambda api: api.get_namespaced_custom_object_without_preload_content(*RUNS, "a b?c"),
        lambda objects: objects.get("read", "pipelineruns", "a b?c"),
    ),
    "create": (
        lambda api: api.create_namespaced_custom_object_without_preload_content(
            *RUNS, body=BODY, field_validation="Strict", field_manager="pilothouse"
        ),
        lambda objects: objects.create("create", "pipelineruns", BODY),
    ),
    "patch": (
        lambda api: api.patch_namespaced_custom_object_without_preload_content(
            *RUNS, "a", body=BODY, _content_type="application/merge-patch+json"
        ),
        lambda objects: objects.patch("patch", "pipelineruns", "a", BODY),
    ),
    "list": (
        lambda api: api.list_namespaced_custom_object_without_preload_content(
            *RUNS, label_selector="a in (b)", limit=PAGE
        ),
        lambda objects: anext(objects.pages("list", "pipelineruns", "a in (b)")),
    ),
    "watch": (
        lambda api: api.list_namespaced_custom_object_without_preload_content(
            *RUNS, watch=True, allow_watch_bookmarks=True, resource_version="7", timeout_seconds=WATCH_SECONDS
        ),
        lambda objects: _watched(objects),
    ),
}


async def _watched(objects: Objects) -> None:
    async with objects.watch("watch", "pipelineruns", "7"):
        pass


@pytest.mark.parametrize("what", REQUESTS)
async def test_objects_are_asked_for_as_the_generated_client_asks(tmp_path: Path, what: str) -> None:
    """Decision 408: to the letter."""
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def answer(request: Request) -> Response:
        if request.url.path != "/apis/tekton.dev/v1":
            seen.append((request.method, str(request.url), dict(request.headers), await request.body()))
        return PlainTextResponse('{"metadata": {}, "items": []}')

    generated, ours = REQUESTS[what]
    async with serve(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PATCH"])])) as url:
        cluster = Cluster(settings(tmp_path, url), QUICK)
        await cluster.read("ask", lambda apis: generated(client.CustomObjectsApi(apis.client)))
        await ours(Objects(cluster, "c i"))
        await cluster.close()
    assert len(seen) == 2
    assert seen[0] == seen[1]


async def test_rights_are_asked_for_as_the_generated_client_asks(tmp_path: Path) -> None:
    seen: list[tuple[str, str, dict[str, str], Any]] = []

    async def answer(request: Request) -> Response:
        seen.append((request.method, str(request.url), dict(request.headers), await request.json()))
        return PlainTextResponse('{"status": {"allowed": true}}')

    async with serve(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])) as url:
        async with ClusterProbe(settings(tmp_path, url), QUICK) as probe:
            assert await probe.may(Right("get", "tekton.dev", "pipelineruns", "ci"))
        review = seen[0][3]
        cluster = Cluster(settings(tmp_path, url), QUICK)

        async def generated(apis: Apis) -> Any:
            api: Any = client.AuthorizationV1Api(apis.client)
            return await api.create_self_subject_access_review_without_preload_content(review)

        await cluster.read("ask", generated)
        await cluster.close()
    assert len(seen) == 2
    assert seen[0] == seen[1]
