"""A real cluster with Tekton. Reads; and, where a Pipeline is named, one run that is cancelled at once."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from bot.domain.errors import NotFound, Refused
from bot.domain.pipeline import CancelMode, RunRequest, RunStatus
from bot.ports import Access
from bot.settings import Settings
from integrations.tekton import Tekton
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


async def test_the_cluster_answers_who_may_what(tekton: Tekton) -> None:
    needed("LIVE_KUBERNETES_REVIEWS")
    nobody = Access("pilothouse-live-test", (), "delete", "tekton.dev", "pipelineruns", Settings().kubernetes.namespace)
    assert not await tekton.allowed(nobody)


async def test_a_run_is_started_once_and_cancelled(tekton: Tekton) -> None:
    """Leaves a cancelled PipelineRun, which the cluster's pruner removes like any other."""
    (pipeline,) = needed("LIVE_TEKTON_PIPELINE")
    params = json.loads(os.environ.get("LIVE_TEKTON_PARAMS", "{}"))
    request = RunRequest(f"live-test-{uuid.uuid4().hex}", pipeline, "pilothouse-live-test", params, "U0LIVE")
    run = await tekton.start(request)
    assert (await tekton.start(request)).name == run.name
    await tekton.cancel(run.name, CancelMode.NOW)
    async with asyncio.timeout(60):
        while True:
            ended = await tekton.get(run.name)
            if ended.done:
                break
            await asyncio.sleep(1)
    assert ended.status is RunStatus.CANCELLED
    with pytest.raises(Refused, match="already finished"):
        await tekton.cancel(run.name, CancelMode.NOW)
