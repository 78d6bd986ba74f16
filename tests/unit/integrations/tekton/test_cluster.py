"""The API server at its worst, and the credentials on the way to it."""

import asyncio
import datetime as real
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from kubernetes.aio import client  # whose APIs are imported when they are asked for
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.doctor.kubernetes import IN_NAMESPACE
from bot.domain.errors import IntegrationError, NotFound, Refused, Unavailable
from bot.domain.pipeline import CancelMode, PipelineRun, RunStatus
from bot.router.explanations import explain
from bot.settings import KubernetesSettings
from integrations.http.policy import HttpPolicy
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.kubernetes.controller import TektonController
from integrations.sandbox.kubernetes.controller.cluster import PIPELINE_RUN, served
from integrations.sandbox.kubernetes.controller.cluster import Cluster as StandIn
from integrations.sandbox.platform import BOT_ACCESS, DEPLOY
from integrations.sandbox.serving import serve
from integrations.tekton import Tekton
from integrations.tekton.cluster import Apis, Cluster
from integrations.tekton.logs import StepRef
from integrations.tekton.tekton import _CHILDREN
from integrations.tekton.watch import Pulse
from tests.contract.pipelines import REQUEST
from tests.contract.test_tekton import TOKEN, api_server, kubeconfig

QUICK = HttpPolicy(read=10, total=30, attempts=2, backoff=0.01, body_limit=1 << 20, line_limit=1 << 16)


def settings(directory: Path, url: str, token: str = TOKEN) -> KubernetesSettings:
    return KubernetesSettings(kubeconfig=kubeconfig(directory, url, token), context="sandbox")


@asynccontextmanager
async def answered_by(directory: Path, answer: Callable[[Request], Awaitable[Response]]) -> AsyncIterator[Tekton]:
    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PATCH"])])
    async with serve(app) as url, Tekton(settings(directory, url), QUICK) as tekton:
        yield tekton


def status(code: int, message: str = "words of the server", **more: Any) -> Response:
    return JSONResponse({"kind": "Status", "code": code, "message": message, **more}, code)


async def endless() -> AsyncIterator[bytes]:
    while True:
        await asyncio.sleep(0)
        yield b"x" * 65536


@pytest.mark.parametrize(
    ("response", "kind", "sentence"),
    [
        (lambda: status(401), Refused, "credentials are not accepted"),
        (lambda: status(403), Refused, "may not do this: words of the server"),
        (lambda: status(404), NotFound, "words"),
        (lambda: status(422), Refused, "HTTP 422"),
        (lambda: status(429, details={"retryAfterSeconds": 1}), Unavailable, "HTTP 429"),
        (lambda: status(500), Unavailable, "HTTP 500"),
        (lambda: HTMLResponse("<html>proxy</html>", 503), Unavailable, "HTTP 503"),
        (lambda: HTMLResponse("<html>proxy</html>"), Refused, "not what was expected"),
        (lambda: PlainTextResponse('{"metadata": {"name": "tru'), Refused, "not what was expected"),
        (lambda: JSONResponse({"metadata": {"name": 7}}), Refused, "not what was expected"),
        (lambda: JSONResponse([None]), Refused, "not what was expected"),
        (lambda: PlainTextResponse("[" * 100_000), Refused, "not what was expected"),
        (lambda: PlainTextResponse(b"\xff\xfe"), Refused, "not what was expected"),
        (lambda: StreamingResponse(endless()), Refused, "larger than 1048576 bytes"),
    ],
)  # fmt: skip
async def test_a_bad_answer_is_told_by_its_kind(
    tmp_path: Path, response: Callable[[], Response], kind: type[IntegrationError], sentence: str
) -> None:
    """K3."""

    async def answer(request: Request) -> Response:
        if request.url.path == "/apis/tekton.dev/v1":
            return JSONResponse({"kind": "APIResourceList", "resources": []})
        return response()

    async with answered_by(tmp_path, answer) as tekton:
        with pytest.raises(kind, match=sentence) as caught:
            await tekton.get("my-run")
    assert isinstance(caught.value, kind)
    assert caught.value.system == "tekton"
    assert TOKEN not in f"{caught.value!r}"


async def test_a_cluster_without_tekton_says_so(tmp_path: Path) -> None:
    """K3: the 404 of an absent kind looks like that of an absent object."""

    async def answer(_: Request) -> Response:
        return PlainTextResponse("404 page not found", 404)

    async with answered_by(tmp_path, answer) as tekton:
        with pytest.raises(NotFound, match="install Tekton"):
            await tekton.list("", 1)


async def test_a_server_that_never_answers_costs_a_bounded_wait(tmp_path: Path) -> None:
    async def answer(_: Request) -> Response:
        await asyncio.sleep(60)
        raise AssertionError

    app = Starlette(routes=[Route("/{path:path}", answer)])
    async with serve(app) as url, Tekton(settings(tmp_path, url), replace(QUICK, read=0.3, total=1)) as tekton:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="no answer in time"):
            await tekton.list("", 1)
        assert time.monotonic() - begun < 20


async def test_a_read_with_all_its_tries_stays_within_its_budget(tmp_path: Path) -> None:
    asked = []

    async def answer(request: Request) -> Response:
        asked.append(request.url.path)
        await asyncio.sleep(0.4)
        return status(500)

    app = Starlette(routes=[Route("/{path:path}", answer)])
    patient = replace(QUICK, read=30, total=0.9, attempts=50, backoff=0.001)
    async with serve(app) as url, Tekton(settings(tmp_path, url), patient) as tekton:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await tekton.list("", 1)
        assert time.monotonic() - begun < 20
    assert len(asked) < 5


async def test_a_limit_is_waited_for_as_the_server_asks(tmp_path: Path) -> None:
    """K3: 429 with Retry-After, in seconds."""
    asked: list[float] = []

    async def answer(request: Request) -> Response:
        asked.append(time.monotonic())
        if len(asked) == 1:
            return JSONResponse({"kind": "Status", "code": 429}, 429, {"Retry-After": "1"})
        return JSONResponse({"kind": "APIResourceList", "resources": [], "items": []})

    async with answered_by(tmp_path, answer) as tekton:
        assert await tekton.list("", 1) == ()
    assert asked[1] - asked[0] >= 1


async def test_a_closed_port_is_unavailable(tmp_path: Path) -> None:
    async with Tekton(settings(tmp_path, "http://127.0.0.1:1"), QUICK) as tekton:
        with pytest.raises(Unavailable, match="cannot connect"):
            await tekton.list("", 1)


@pytest.mark.parametrize("content", ["", "not: [yaml", '{"contexts": []}', '{"current-context": "x"}'])
async def test_a_kubeconfig_that_cannot_be_used_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "broken"
    file.write_text(content)
    for path in (file, tmp_path / "absent"):
        async with Tekton(KubernetesSettings(kubeconfig=path)) as tekton:
            with pytest.raises(Refused, match="KUBECONFIG"):
                await tekton.list("", 1)


async def test_outside_a_cluster_the_missing_service_account_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    async with Tekton(KubernetesSettings()) as tekton:
        with pytest.raises(Refused, match="service account"):
            await tekton.list("", 1)


async def test_a_service_account_is_used_and_its_rotated_token_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.aio.config import incluster_config

    seen: list[str] = []

    async def answer(request: Request) -> Response:
        seen.append(request.headers["authorization"])
        return JSONResponse({"metadata": {}, "items": None})

    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    loader = incluster_config.InClusterConfigLoader

    async with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        host, port = url.removeprefix("http://").split(":")
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
        plain = loader._set_config

        def over_http(self: Any, configuration: Any) -> None:
            plain(self, configuration)  # type: ignore[no-untyped-call]
            configuration.host, configuration.ssl_ca_cert = url, None

        monkeypatch.setattr(loader, "_set_config", over_http)
        authority.write_text("not read")
        async with Tekton(KubernetesSettings(), QUICK) as tekton:
            await tekton.list("", 1)
            token.write_text("second")
            monkeypatch.setattr(
                loader, "token_expires_at", property(lambda _: real.datetime.min, lambda *_: None), raising=False
            )
            await tekton.list("", 1)
    assert seen[0].lower() == "bearer first"
    assert seen[-1].lower() == "bearer second"


async def test_a_kubeconfig_that_changes_is_read_again(tmp_path: Path) -> None:
    server = api_server(Clock(), FaultSettings())
    async with serve(server.app) as url, Tekton(settings(tmp_path, url, "stale"), QUICK) as tekton:
        with pytest.raises(Refused):
            await tekton.list("", 1)
        kubeconfig(tmp_path, url)
        assert await tekton.list("", 1) == ()


async def test_a_start_whose_answer_was_lost_is_found_again(tmp_path: Path) -> None:
    server = api_server(Clock(), FaultSettings())
    lost: list[str] = []

    async def lossy(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":

            async def into_the_void(message: Any) -> None:
                lost.append(message["type"])

            await server.app(scope, receive, into_the_void)
            await PlainTextResponse("bad gateway", 502)(scope, receive, send)
            return
        await server.app(scope, receive, send)

    async with serve(lossy) as url, Tekton(settings(tmp_path, url), QUICK) as tekton:
        run = await tekton.start(REQUEST)
        assert lost
        assert [found.name for found in await tekton.list("my-app", 5)] == [run.name]


async def test_lists_are_read_to_the_last_page_and_again_when_a_page_is_forgotten(tmp_path: Path) -> None:
    """K2: the token of a page expires with 410."""
    asked: list[str] = []

    def item(number: int) -> dict[str, Any]:
        return {"metadata": {"name": f"r{number}", "creationTimestamp": f"2026-01-05T09:00:0{number}Z"}}

    async def answer(request: Request) -> Response:
        if "namespaces" not in request.url.path:
            return JSONResponse({})
        token = request.query_params.get("continue", "")
        asked.append(token)
        if token == "two" and asked.count("two") == 1:
            return status(410, "The provided continue parameter is too old", reason="Expired")
        following = {"": "two", "two": "three", "three": ""}[token]
        page = {"": [1, 5], "two": [9, 2], "three": [4]}[token]
        return JSONResponse({"metadata": {"continue": following}, "items": [item(number) for number in page]})

    async with answered_by(tmp_path, answer) as tekton:
        assert [run.name for run in await tekton.list("", 3)] == ["r9", "r5", "r4"]
    assert asked == ["", "two", "", "two", "three"]


async def until(changes: Any, wanted: Callable[[PipelineRun], bool]) -> list[PipelineRun]:
    seen = [await anext(changes)]
    while not wanted(seen[-1]):
        seen.append(await anext(changes))
    return seen


async def looked_at(tekton: Tekton, name: str, wanted: Callable[[PipelineRun], bool]) -> PipelineRun:
    while True:
        run = await tekton.get(name)
        if wanted(run):
            return run
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("gone_as", ["event", "status"])
async def test_a_watch_that_lost_the_thread_lists_again(tmp_path: Path, gone_as: Any) -> None:
    """K1: 410 as the HTTP status, or as an ERROR event."""
    server = api_server(Clock(), FaultSettings())
    server.watch_policy.gone_as = gone_as
    async with serve(server.app) as url, Tekton(settings(tmp_path, url), QUICK) as tekton, asyncio.timeout(60):
        first = await tekton.start(REQUEST)
        changes = cast("Any", tekton.changes())
        async with aclosing(changes):
            assert (await anext(changes)).name == first.name
            for number in range(4):
                started = await tekton.start(replace(REQUEST, id=f"more-{number}"))
                server.compact(running_watches=True)
                seen = await until(changes, lambda run, name=started.name: run.name == name)  # type: ignore[misc]
                assert len(seen) == 1


async def test_a_watch_that_ends_cleanly_goes_on_and_tells_nothing_twice(tmp_path: Path) -> None:
    """K1."""
    server = api_server(Clock(), FaultSettings())
    server.watch_policy.bookmark_seconds = 0.05
    async with serve(server.app) as url, Tekton(settings(tmp_path, url), QUICK) as tekton, asyncio.timeout(60):
        await tekton.start(REQUEST)
        changes = cast("Any", tekton.changes())
        async with aclosing(changes):
            await anext(changes)
            for number in range(5):
                server.end_watches()
                started = await tekton.start(replace(REQUEST, id=f"more-{number}"))
                assert (await anext(changes)).name == started.name


async def test_a_watch_goes_on_after_the_last_version_that_it_heard_of(tmp_path: Path) -> None:
    """K1, K2: also by a bookmark, so that the version does not grow too old."""
    since: list[str] = []
    lines = iter(
        [
            {"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "7"}}},
            {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}},
        ]
    )

    async def answer(request: Request) -> Response:
        if "watch" in request.query_params and request.url.path.endswith("/taskruns"):
            return PlainTextResponse("")
        if "watch" in request.query_params:
            since.append(request.query_params["resourceVersion"])
            return PlainTextResponse(json.dumps(next(lines, None) or {"type": "BOOKMARK", "object": {"metadata": {}}}))
        return JSONResponse({"metadata": {"resourceVersion": "1"}, "items": []})

    async with (
        answered_by(tmp_path, answer) as tekton,
        asyncio.timeout(30),
        aclosing(cast("Any", tekton.changes())) as changes,
    ):
        assert (await anext(changes)).name == "a"
        while len(since) < 3:  # noqa: ASYNC110 (the server's side of the socket has no event to wait for)
            await asyncio.sleep(0.02)
    assert since[:3] == ["1", "7", "9"]


async def test_a_cluster_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    faults = FaultSettings()
    server = api_server(Clock(), faults)
    async with serve(server.app) as url, Tekton(settings(tmp_path, url), QUICK) as tekton, asyncio.timeout(30):
        changes = cast("Any", tekton.changes())
        async with aclosing(changes):
            first = await tekton.start(REQUEST)
            assert (await anext(changes)).name == first.name
            faults.set({"weather": {"kubernetes": "error-500"}})
            server.end_watches()
            with pytest.raises(Unavailable):
                await tekton.get(first.name)
            faults.set({"weather": {"kubernetes": "fine"}})
            second = await tekton.start(replace(REQUEST, id="second"))
            await until(changes, lambda run: run.name == second.name)


async def test_a_watch_that_is_forbidden_says_so(tmp_path: Path) -> None:
    server = api_server(Clock(), FaultSettings())
    server.add_user("nobody", "nobody@example.com")
    async with serve(server.app) as url, Tekton(settings(tmp_path, url, "nobody"), QUICK) as tekton:
        with pytest.raises(Refused, match="may not"):
            await anext(cast("Any", tekton.changes()))


@pytest.mark.parametrize("line", [b"x" * 70_000, b"<html>\n", b'{"type": "ADDED"}\n'])
async def test_a_malformed_watch_is_refused(tmp_path: Path, line: bytes) -> None:
    async def answer(request: Request) -> Response:
        if request.query_params.get("watch"):
            return PlainTextResponse(line)
        return JSONResponse({"metadata": {"resourceVersion": "1"}, "items": []})

    async with answered_by(tmp_path, answer) as tekton, asyncio.timeout(60):
        with pytest.raises(Refused):
            await anext(cast("Any", tekton.changes()))


async def test_logs_of_a_deleted_pod_are_gone_and_the_sentence_stays(tmp_path: Path) -> None:
    """T10, T15: cancel deletes the pod."""
    clock = Clock(100)
    server = api_server(clock, FaultSettings())
    async with serve(server.app) as url, Tekton(settings(tmp_path, url), QUICK) as tekton, asyncio.timeout(60):
        run = await tekton.start(REQUEST)
        async with TektonController(server, clock):
            await looked_at(tekton, run.name, lambda run: any(t.status is RunStatus.SUCCEEDED for t in run.tasks))
            clock.speed = 0.2
            await looked_at(tekton, run.name, lambda run: any(t.status is RunStatus.RUNNING for t in run.tasks))
            await tekton.cancel(run.name, CancelMode.NOW)
            ended = await looked_at(tekton, run.name, lambda run: run.done)
        logs = await tekton.logs(run.name, 10)
    assert ended.status is RunStatus.CANCELLED
    cancelled = next(task for task in ended.tasks if task.status is RunStatus.CANCELLED)
    assert cancelled.message
    assert all(log.gone for log in logs if log.task == cancelled.name)
    assert any(log.lines for log in logs if log.task == "fetch-source")


async def test_a_step_whose_container_has_not_started_has_no_log_yet(tmp_path: Path) -> None:
    """T15: its log answers 400, and that of the step before it is there all the same."""

    async def answer(request: Request) -> Response:
        if request.query_params["container"] == "step-late":
            return status(400, 'container "step-late" in pod "p" is waiting to start: PodInitializing')
        return PlainTextResponse("cloned\n")

    async with answered_by(tmp_path, answer) as tekton:
        steps = [StepRef("build", name, "p", f"step-{name}") for name in ("early", "late")]
        (told,) = await tekton._logs.tails(steps, 5)
    assert (told.step, told.lines) == ("early", ("cloned",))


async def test_what_a_webhook_refuses_is_told_with_its_words(tmp_path: Path) -> None:
    """T9, T12: 400, and its message tells."""
    words = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: no'

    async def answer(request: Request) -> Response:
        if request.method in ("POST", "PATCH"):
            return status(400, words, reason="BadRequest")
        return JSONResponse(
            {"metadata": {"name": "r"}, "spec": {"params": [{"name": n} for n in ("repo-url", "image", "revision")]}}
        )

    async with answered_by(tmp_path, answer) as tekton:
        with pytest.raises(Refused, match="validation failed: no"):
            await tekton.start(REQUEST)
        with pytest.raises(Refused, match="validation failed: no"):
            await tekton.cancel("r", CancelMode.NOW)


FORBIDDEN = 'pipelineruns.tekton.dev "my-app-1" is forbidden: '
SIZE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@pytest.mark.parametrize(
    ("code", "told", "sentence", "retry"),
    [
        (
            422,
            FORBIDDEN + "ValidatingAdmissionPolicy 'calm' with binding 'calm' denied request: "
            "No builds during the freeze: ask #platform",
            "refuses to start ci-pipeline: No builds during the freeze: ask #platform.",
            "once that policy",
        ),
        (
            403,
            'admission webhook "calm.example.com" denied the request: No builds on Fridays!',
            "refuses to start ci-pipeline: No builds on Fridays!",
            "once that policy",
        ),
        (400, 'admission webhook "calm.example.com" denied the request', "calm.example.com", "once that policy"),
        (
            403,
            FORBIDDEN + "exceeded quota: builds, requested: count/pipelineruns.tekton.dev=1, used: 5, limited: 5",
            "the quota builds, requested: count/pipelineruns.tekton.dev=1, used: 5, limited: 5.",
            "when other runs have ended",
        ),
        (
            403,
            'pipelineruns.tekton.dev is forbidden: User "system:serviceaccount:pilothouse:pilothouse" cannot create '
            'resource "pipelineruns" in API group "tekton.dev" in the namespace "ci"',
            "may not create pipelineruns",
            "changes nothing",
        ),
        (400, f'PipelineRun in version "v1" cannot be handled as a PipelineRun: {SIZE}', SIZE, "refused again"),
        (
            400,
            'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: a bad size',
            "a bad size.",
            "refused again",
        ),
        (422, "something that no version of today says", "something that no version of today says.", "refused again"),
    ],
)
async def test_the_clusters_own_words_reach_whoever_asked_with_what_a_retry_would_change(
    tmp_path: Path, code: int, told: str, sentence: str, retry: str
) -> None:
    """T12, K3."""
    params = {"params": [{"name": name} for name in ("repo-url", "image", "revision")]}

    async def answer(request: Request) -> Response:
        found = {"metadata": {"name": "ci-pipeline"}, "spec": params}
        return status(code, told) if request.method == "POST" else JSONResponse(found)

    async with answered_by(tmp_path, answer) as tekton:
        with pytest.raises(Refused) as refused:
            await tekton.start(REQUEST)
    advice = refused.value.advice
    assert advice is not None
    assert sentence in advice.sentence
    assert retry in advice.remedy
    assert explain(refused.value, "c-1") == f"{advice.sentence} {advice.remedy}"


async def test_an_absent_pipeline_is_told_by_its_name_and_namespace(tmp_path: Path) -> None:
    async def answer(request: Request) -> Response:
        if "/pipelines/" in request.url.path:
            return status(404, 'pipelines.tekton.dev "ci-pipeline" not found')
        return JSONResponse({"resources": []})

    async with answered_by(tmp_path, answer) as tekton:
        with pytest.raises(NotFound) as refused:
            await tekton.start(REQUEST)
    advice = refused.value.advice
    assert advice is not None
    assert "no Pipeline ci-pipeline in the namespace ci" in advice.sentence
    assert "changes nothing" in advice.remedy


async def test_writes_are_strict_and_patches_are_merge_patches(tmp_path: Path) -> None:
    """K4: custom resources answer 415 to strategic merge patches; K5: unknown fields are refused, not pruned."""
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        seen.append(request)
        params = [{"name": name} for name in ("repo-url", "image", "revision")]
        annotations = {"pilothouse.dev/request-id": REQUEST.id}
        return JSONResponse({"metadata": {"name": "r", "annotations": annotations}, "spec": {"params": params}})

    async with answered_by(tmp_path, answer) as tekton:
        await tekton.start(REQUEST)
        await tekton.cancel("r", CancelMode.NOW)
    (created,) = (request for request in seen if request.method == "POST")
    (patched,) = (request for request in seen if request.method == "PATCH")
    assert created.query_params["fieldValidation"] == "Strict"
    assert patched.headers["content-type"] == "application/merge-patch+json"


def test_no_secret_in_a_representation(tmp_path: Path) -> None:
    tekton = Tekton(settings(tmp_path, "http://127.0.0.1:1"))
    assert TOKEN not in f"{tekton!r} {vars(tekton)!r}"
    assert json.loads((tmp_path / "kubeconfig").read_text())


async def test_it_stays_closed(tmp_path: Path) -> None:
    """A request that was still being tried when its asker gave up would open a session that nobody closes."""
    asked = asyncio.Event()

    async def answer(request: Request) -> Response:
        asked.set()
        return status(500)

    async with answered_by(tmp_path, answer) as tekton:
        late = asyncio.create_task(tekton.list("", 1))
        await asked.wait()
        await tekton.__aexit__(None, None, None)
        with pytest.raises(Unavailable, match="the connection was closed"):
            await late


async def test_what_a_server_repeats_is_hidden_also_when_the_credentials_were_forgotten_meanwhile(
    tmp_path: Path,
) -> None:
    async def answer(request: Request) -> Response:
        return status(403, request.headers["authorization"])

    async with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        cluster = Cluster(settings(tmp_path, url), QUICK)

        async def request(apis: Apis) -> Any:
            response = await client.CoreV1Api(apis.client).list_namespaced_pod_without_preload_content("ci")
            while not response.content.is_eof():  # noqa: ASYNC110 (aiohttp tells nobody when it has the whole body)
                await asyncio.sleep(0.001)
            await cluster.close()
            return response

        with pytest.raises(Refused, match=r"Bearer \*\*\*"):
            await cluster.write("ask", request)


@pytest.mark.parametrize("rotation", ["the file changes", "the token is refused"])
async def test_a_watch_outlives_a_rotated_credential(tmp_path: Path, rotation: str) -> None:
    """K6: the session under it is closed by another request, and its reader is woken first."""
    server = api_server(Clock(), FaultSettings())
    server.add_user("second", "kubernetes-admin", ("system:masters",))
    server.watch_policy.bookmark_seconds = 600
    async with serve(server.app) as url, Tekton(settings(tmp_path, url), QUICK) as tekton, asyncio.timeout(30):
        first = await tekton.start(REQUEST)
        async with aclosing(cast("Any", tekton.changes())) as changes:
            assert (await anext(changes)).name == first.name
            following = asyncio.ensure_future(anext(changes))
            while tekton._pulse.lost_at != {"pipelineruns": None, "taskruns": None}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            path = kubeconfig(tmp_path, url, "second")
            if rotation == "the token is refused":
                os.utime(path, ns=(tekton._cluster._seen, tekton._cluster._seen))  # nobody sees a new file
                server.authenticator.revoke(TOKEN)
            second = await tekton.start(replace(REQUEST, id="after"))
            assert (await following).name == second.name
            assert tekton.following()


async def test_a_request_that_was_refused_closes_only_the_session_that_carried_it(tmp_path: Path) -> None:
    """K6: two 401s at once must not close what the first of them opened."""
    async with serve(api_server(Clock(), FaultSettings()).app) as url:
        cluster = Cluster(settings(tmp_path, url), QUICK)
        old = await cluster._connected("ask")
        await cluster._forget(old)
        new = await cluster._connected("ask")
        await cluster._forget(old)
        assert await cluster._connected("ask") is new
        await cluster.close()


async def test_a_stream_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    """K6: by a timer of our own, for aiohttp's goes with its session."""

    async def answer(_: Request) -> Response:
        return StreamingResponse(silent())

    async def silent() -> AsyncIterator[bytes]:
        yield b"{}\n"
        await asyncio.sleep(30)

    async with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        cluster = Cluster(settings(tmp_path, url), QUICK)

        async def request(apis: Apis) -> Any:
            pods = client.CoreV1Api(apis.client)
            return await pods.list_namespaced_pod_without_preload_content("ci", _request_timeout=(5, 100.0))

        async with asyncio.timeout(60), cluster.stream("listen", request, 0.1) as chunks:
            assert await anext(chunks) == b"{}\n"
            with pytest.raises(Unavailable):
                await anext(chunks)
        await cluster.close()


def test_watches_count_as_lost_after_a_minute() -> None:
    """K1: a server that ends a watch is asked again at once, and that is no loss."""
    now = [0.0]
    pulse = Pulse(clock=lambda: now[0])

    def alive() -> bool:
        return pulse.alive

    assert alive()
    pulse.stands("pipelineruns")
    pulse.broke("taskruns")
    now[0] = 59
    assert alive()
    now[0] = 61
    pulse.broke("taskruns")  # a try that fails does not begin the minute anew
    assert not alive()
    pulse.stands("taskruns")
    assert alive()


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  ", ""])
def test_credentials_are_known_whatever_their_schemes_case(scheme: str) -> None:
    """In a cluster the client library writes it small."""

    class Configuration:
        api_key: ClassVar = {"authorization": f"{scheme}canary-token"}
        password = ""

    class Client:
        configuration = Configuration

    assert Apis(Client).credentials() == ("canary-token",)


async def test_of_a_long_log_the_end_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T23: limitBytes would keep the beginning of the tail."""
    monkeypatch.setattr("integrations.tekton.logs.MOST_BYTES", 2000)
    server = api_server(Clock(), FaultSettings())
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ci"}}
    (made,) = server.load([{**pod, "spec": {"containers": [{"name": "step-a", "image": "a"}]}}])
    log = server.logs.of(made["metadata"]["uid"], "step-a")
    log.start()
    for number in range(50):
        log.write(datetime.now(UTC), f"{number}: " + "x" * 300)
    log.write(datetime.now(UTC), "the reason")
    async with serve(server.app) as url, Tekton(settings(tmp_path, url), QUICK) as tekton:
        (told,) = await tekton._logs.tails([StepRef("build", "a", "p", "step-a")], 40)
        limited = await tekton._cluster.read("read", lambda apis: _limited(apis))
    assert told.lines[-1] == "the reason"
    assert 2 < len(told.lines) < 10
    assert all(line == "the reason" or len(line) > 300 for line in told.lines)
    assert b"the reason" not in limited
    assert limited.startswith(b"11: ")


async def test_a_run_with_a_custom_task_is_shown_logged_and_cancelled_with_the_bots_own_rights(tmp_path: Path) -> None:
    """T5, T16: a CustomRun is read by itself, in the one version that it has; the Role of deploy/ lets the bot."""
    server = api_server(clock := Clock(), FaultSettings())
    server.load((DEPLOY / BOT_ACCESS).read_text())
    going_on = [{"type": "Succeeded", "status": "Unknown", "reason": "Running"}]
    kind = {"apiVersion": "tekton.dev/v1beta1", "kind": "CustomRun"}
    reference = {**kind, "name": "r-approve", "pipelineTaskName": "approve"}
    run = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "spec": {"pipelineRef": {"name": "ci-pipeline"}}}
    spec = {"customRef": {"apiVersion": "example.com/v1", "kind": "Approval"}}
    server.load([{**run, "metadata": {"name": "r", "namespace": "ci"}}])
    server.load([{**kind, "spec": spec, "metadata": {"name": "r-approve", "namespace": "ci"}}])
    cluster = StandIn(server.operations, server.logs, clock)
    told = {"conditions": going_on}
    cluster.update_status(PIPELINE_RUN, "ci", "r", lambda status: status.update(told, childReferences=[reference]))
    cluster.update_status(served(*kind.values()), "ci", "r-approve", lambda status: status.update(told))
    token = server.service_account_token("pilothouse", "pilothouse")
    async with serve(server.app) as url, Tekton(settings(tmp_path, url, token), QUICK) as tekton:
        (task,) = (await tekton.get("r")).tasks
        assert (task.name, task.status) == ("approve", RunStatus.RUNNING)
        assert await tekton.logs("r", 5) == ()
        assert (await tekton.cancel("r", CancelMode.NOW)).name == "r"


async def _limited(apis: Apis) -> Any:
    return await apis.pod_log("ci", "p", container="step-a", tailLines=40, limitBytes=2000)


async def test_the_client_uses_exactly_the_verbs_of_the_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verb that the client uses is in the Role and in the doctor's list, and no other is."""
    server = api_server(clock := Clock(50), FaultSettings())
    seen: set[tuple[str, str, str]] = set()
    allowed = server.authenticator.authorizer.allowed

    def recording(user: str, groups: tuple[str, ...], asked: Any) -> bool:
        if asked.resource:
            seen.add((asked.group, asked.resource, asked.verb))
        return allowed(user, groups, asked)

    monkeypatch.setattr(server.authenticator.authorizer, "allowed", recording)
    async with serve(server.app) as url, Tekton(settings(tmp_path, url), QUICK) as tekton, asyncio.timeout(60):
        run = await tekton.start(REQUEST)
        async with aclosing(cast("Any", tekton.changes())) as changes, TektonController(server, clock):
            await until(changes, lambda run: any(task.status is RunStatus.SUCCEEDED for task in run.tasks))
            await tekton.logs(run.name, 5)
            await until(changes, lambda run: run.done)
            other = await tekton.start(replace(REQUEST, id="other"))
            await tekton.cancel(other.name, CancelMode.NOW)  # at once: one that is over cannot be stopped
        await tekton.list("my-app", 5)
        await tekton.retry(run.name, replace(REQUEST, id="again"))
        for plural, version in _CHILDREN.values():  # of any kind, where no label tells
            with pytest.raises(NotFound):
                await tekton._objects.get("read", plural, "nobody", version)
    granted = {
        (group, resource, verb)
        for rule in role_rules()
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    examined = {(group, resource, verb) for (group, resource), verbs in IN_NAMESPACE.items() for verb in verbs}
    assert seen == granted == examined


def role_rules() -> list[Any]:
    text = (Path(__file__).parents[4] / "deploy/bot/base/rbac.yaml").read_text()
    rules: list[Any] = next(d for d in YAML(typ="safe").load_all(text) if d["kind"] == "Role")["rules"]
    return rules


@pytest.mark.parametrize("query", [{"tail_lines": 40}, {"follow": True}, {"limit_bytes": 2000, "previous": False}])
async def test_a_log_is_asked_for_as_the_generated_client_asks(tmp_path: Path, query: dict[str, Any]) -> None:
    """Decision 208: to the letter, but for what it accepts, of which only text comes."""
    seen: list[tuple[str, str, str]] = []

    async def answer(request: Request) -> Response:
        seen.append((request.method, str(request.url), request.headers["authorization"]))
        return PlainTextResponse("line\n")

    async def both(apis: Apis) -> Any:
        generated = client.CoreV1Api(apis.client).read_namespaced_pod_log_without_preload_content
        (await generated("p:1 a", "c i", container="step-a", **query)).close()
        named = {"tail_lines": "tailLines", "limit_bytes": "limitBytes"}
        return await apis.pod_log("c i", "p:1 a", container="step-a", **{named.get(k, k): v for k, v in query.items()})

    async with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        cluster = Cluster(settings(tmp_path, url), QUICK)
        assert await cluster.read("read a log", both) == b"line\n"
        await cluster.close()
    assert len(seen) == 2
    assert seen[0] == seen[1]
