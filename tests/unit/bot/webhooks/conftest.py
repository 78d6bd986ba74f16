"""The receivers and their worker on a database file, with a workspace in memory behind them."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.domain.build import Pushed
from bot.domain.pipeline import PipelineRun
from bot.evaluation.evaluator import GateEvaluator
from bot.notify import Bulletins, Outbox
from bot.overlays.catalog import Catalog
from bot.policy import parse
from bot.queries.pipeline_holds import PipelineHolds
from bot.runtime.clock import SYSTEM_CLOCK
from bot.settings import GitHubSettings, Settings, WebhookSettings
from bot.store.database import Database
from bot.store.messages import Messages
from bot.store.webhooks import WebhookStore
from bot.webhooks import Needs, Webhooks, open_webhooks
from tests.contract.specs import CONTRACTS
from tests.fakes.applications import MemoryApplications
from tests.fakes.databases import create_tables
from tests.fakes.directory import FakeDirectory
from tests.fakes.gates import usual_gates
from tests.fakes.messenger import FakeMessenger
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.pipelines import MemoryPipelines
from tests.fakes.queues import delivered, worked_off
from tests.fakes.registry import MemoryRegistry

GITHUB, HARBOR = "It's a Secret to Everybody", "harbor-says-so"
ALERTMANAGER, TEKTON = "alertmanager-token", "tekton-token"
PIPELINE = "pipeline-token"
OVERLAYS = "octocat/overlays"
POLICY = """\
bindings: [{role: engineer, groups: ["@engineers"]}]
channels:
  default: C0DEPLOY
  routes:
    - {channel: C0INC, events: [alert], environments: [production]}
    - {channel: C0LEDGER, apps: [ledger], events: [alert, pipeline-failed]}
"""


def sample(name: str) -> bytes:
    """Skips where the contracts are not."""
    file = CONTRACTS / "samples" / name
    if not file.exists():
        pytest.skip(f"{file.name} is not here: the contract data are beside the repository")
    return file.read_bytes()


@asynccontextmanager
async def a_store(directory: Path) -> AsyncIterator[WebhookStore]:
    database = Database(f"sqlite:///{directory}/webhooks.db")
    await create_tables(database)
    yield WebhookStore(database)
    await database.close()


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class WebhookHarness:
    """`post` answers the HTTP status; `work` does what there is to do."""

    webhooks: Webhooks
    needs: Needs
    http: httpx.AsyncClient
    store: WebhookStore
    database: Database
    messenger: FakeMessenger
    outbox: Outbox
    overlays: MemoryOverlays
    pipelines: MemoryPipelines
    catalog: Catalog
    clock: Clock
    scanned: list[tuple[str, str]]
    stored: list[tuple[str, str, str, datetime | None]]
    committed: list[tuple[Pushed, datetime | None]]
    runs: list[PipelineRun]

    async def post(self, sender: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        return await self.http.post(f"/webhooks/{sender}", content=body, headers=dict(headers))

    async def github(self, body: bytes, event: str = "push", delivery: str = "d-1", **more: str) -> httpx.Response:
        signature = hmac.new(GITHUB.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-Hub-Signature-256": f"sha256={signature}",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery,
            "Content-Type": "application/json",
        }
        return await self.post("github", body, headers | more)

    async def alert(
        self, *alerts: Any, key: str = "{}", receiver: str = "pilothouse", truncated: int = 0
    ) -> httpx.Response:
        """One delivery of one group."""
        group = {"version": "4", "status": "firing", "groupKey": key, "receiver": receiver}
        body = json.dumps(group | {"truncatedAlerts": truncated, "alerts": alerts}).encode()
        return await self.post("alertmanager", body, {"Authorization": f"Bearer {ALERTMANAGER}"})

    async def work(self) -> int:
        done = await worked_off(self.webhooks.worker)
        await delivered(self.outbox)
        return done


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[WebhookHarness]:
    settings = Settings(
        github=GitHubSettings(repository=OVERLAYS),
        webhooks=WebhookSettings(
            github_secret=SecretStr(GITHUB),
            harbor_token=SecretStr(HARBOR),
            alertmanager_token=SecretStr(ALERTMANAGER),
            tekton_token=SecretStr(TEKTON),
            pipeline_token=SecretStr(PIPELINE),
        ),
    )
    database = Database(f"sqlite:///{tmp_path}/pilothouse.db")
    await create_tables(database)
    store, messages, messenger, clock = WebhookStore(database), Messages(database), FakeMessenger(), Clock()
    overlays, pipelines, policy = MemoryOverlays(), MemoryPipelines(), parse(POLICY)
    bulletins = Bulletins(messages, messenger, clock=clock)
    scanned: list[tuple[str, str]] = []

    async def wake(digest: str, repository: str) -> None:
        scanned.append((digest, repository))

    images: list[tuple[str, str, str, datetime | None]] = []
    pushes: list[tuple[Pushed, datetime | None]] = []
    runs: list[PipelineRun] = []

    async def stored(digest: str, repository: str, tag: str, at: datetime | None) -> None:
        images.append((digest, repository, tag, at))

    async def committed(push: Pushed, at: datetime | None) -> None:
        pushes.append((push, at))

    catalog, directory = Catalog(overlays, policy), FakeDirectory.seeded()
    gates = usual_gates(
        policy,
        catalog,
        database,
        source=overlays,
        registry=MemoryRegistry(),
        applications=MemoryApplications(),
        directory=directory,
    )
    holds = PipelineHolds(GateEvaluator(gates, policy), policy, SYSTEM_CLOCK, asks=True)
    needs = Needs(
        policy, catalog, pipelines, bulletins, store, directory, holds, wake,
        stored=stored, committed=committed, heard=runs.append,
    )  # fmt: skip
    webhooks = open_webhooks(settings, needs, clock=clock)
    transport = httpx.ASGITransport(Starlette(routes=webhooks.routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
        outbox = Outbox(messages, messenger, clock=clock)
        yield WebhookHarness(
            webhooks, needs, http, store, database, messenger, outbox, overlays, pipelines, catalog, clock,
            scanned, images, pushes, runs,
        )  # fmt: skip
    await database.close()
