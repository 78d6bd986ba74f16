"""A real cluster with Tekton. Reads; and, where a Pipeline is named, one run that is cancelled at once."""

import asyncio
import json
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from bot.doctor.kubernetes import IN_NAMESPACE
from bot.domain.errors import NotFound, Refused
from bot.domain.pipeline import CancelMode, RunRequest, RunStatus
from bot.settings import Settings
from integrations.tekton import Tekton
from integrations.tekton.cluster import Apis
from integrations.tekton.manifests import GROUP
from integrations.tekton.probe import ClusterProbe, Right
from tests.live.environment import needed

pytestmark = pytest.mark.live


@pytest.fixture
async def tekton() -> AsyncIterator[Tekton]:
    needed("PILOTHOUSE_KUBERNETES__KUBECONFIG")
    async with Tekton(Settings().kubernetes) as made:
        yield made


async def test_runs_are_listed_read_and_explained(tekton: Tekton) -> None:
    for run in await tekton.list("", 3):
        read = await tekton.get(run.name)
        assert read.name == run.name
        assert read.message or read.status is not RunStatus.FAILED
        await tekton.logs(run.name, 5)


async def test_an_absent_run_is_not_found(tekton: Tekton) -> None:
    with pytest.raises(NotFound):
        await tekton.get("pilothouse-live-test-that-does-not-exist")


async def test_the_stream_begins(tekton: Tekton) -> None:
    if not await tekton.list("", 1):
        pytest.skip("there is no run in the namespace to see")
    changes = cast("Any", tekton.changes())
    async with asyncio.timeout(30), aclosing(changes):
        assert (await anext(changes)).name


async def test_the_account_may_do_what_the_role_of_deploy_grants() -> None:
    """And needs no more: what these tests do beyond it (deleting their run) is not needed for them to pass."""
    needed("PILOTHOUSE_KUBERNETES__KUBECONFIG")
    settings = Settings().kubernetes
    async with ClusterProbe(settings) as probe:
        refused = [
            f"{verb} {resource}"
            for (group, resource), verbs in IN_NAMESPACE.items()
            for verb in verbs
            if not await probe.may(Right(verb, group, resource, settings.namespace))
        ]
    assert not refused


async def test_an_absent_pipeline_is_told_by_its_name(tekton: Tekton) -> None:
    """T12: nothing is created."""
    absent = "pilothouse-live-test-that-does-not-exist"
    with pytest.raises(NotFound) as refused:
        await tekton.start(RunRequest(f"live-test-{uuid.uuid4().hex}", absent, "pilothouse-live-test", {}, "U0LIVE"))
    assert refused.value.advice is not None
    assert absent in refused.value.advice.sentence


async def test_the_watches_outlive_a_kubeconfig_that_changes(tmp_path: Path) -> None:
    """K6: what is read under them ends, and begins again."""
    needed("PILOTHOUSE_KUBERNETES__KUBECONFIG")
    settings = Settings().kubernetes
    copy = shutil.copy(cast("Path", settings.kubeconfig), tmp_path / "kubeconfig")
    async with Tekton(settings.model_copy(update={"kubeconfig": Path(copy)})) as tekton, asyncio.timeout(60):
        changes = cast("Any", tekton.changes())
        async with aclosing(changes):
            waiting = asyncio.ensure_future(_drained(changes))
            await _standing(tekton)
            os.utime(copy)
            await tekton.list("", 1)  # notices, and closes the session under the watches
            await asyncio.sleep(0)
            await _standing(tekton)
            assert not waiting.done()
            assert tekton.following()
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting


async def _standing(tekton: Tekton) -> None:
    while tekton._pulse.lost_at != {"pipelineruns": None, "taskruns": None}:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def _drained(changes: Any) -> None:
    async for _ in changes:
        pass


async def test_a_run_is_started_once_and_cancelled(tekton: Tekton) -> None:
    """The run is deleted at the end, where the account may; else the cluster's pruner removes it like any other."""
    (pipeline,) = needed("LIVE_TEKTON_PIPELINE")
    params = json.loads(os.environ.get("LIVE_TEKTON_PARAMS", "{}"))
    request = RunRequest(f"live-test-{uuid.uuid4().hex}", pipeline, "pilothouse-live-test", params, "U0LIVE")
    run = await tekton.start(request)
    try:
        await _once_and_cancelled(tekton, request, run.name)
    finally:
        await _removed(tekton, run.name)


async def _once_and_cancelled(tekton: Tekton, request: RunRequest, name: str) -> None:
    assert (await tekton.start(request)).name == name
    await tekton.cancel(name, CancelMode.NOW)
    async with asyncio.timeout(60):
        while True:
            ended = await tekton.get(name)
            if ended.done:
                break
            await asyncio.sleep(1)
    assert ended.status is RunStatus.CANCELLED
    # T20: the run ends before its tasks, and none of them is shown as going on.
    assert not [task for task in ended.tasks if task.status in (RunStatus.RUNNING, RunStatus.PENDING)]
    with pytest.raises(Refused, match="already finished"):
        await tekton.cancel(name, CancelMode.NOW)


async def _removed(tekton: Tekton, name: str) -> None:
    """The client itself cannot delete: the bot never does."""
    version, namespace = await tekton._objects.version(), Settings().kubernetes.namespace

    async def request(apis: Apis) -> Any:
        return await apis.ask("DELETE", ("apis", GROUP, version, "namespaces", namespace, "pipelineruns", name))

    with suppress(Refused):
        await tekton._cluster.write("remove the live test's run", request)
