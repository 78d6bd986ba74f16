"""Notifications (H19-H23): two formats, one Authorization value, three tries."""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import httpx

from integrations.sandbox.clock import Clock

from .model import Artifact, Project, StoredRepository
from .views import REPORT_TYPE, native_summary, second

Json = dict[str, Any]
Format = Literal["Default", "CloudEvents"]

_CLOUD_EVENT_TYPES = {
    "PUSH_ARTIFACT": "harbor.artifact.pushed",
    "PULL_ARTIFACT": "harbor.artifact.pulled",
    "DELETE_ARTIFACT": "harbor.artifact.deleted",
    "SCANNING_COMPLETED": "harbor.scan.completed",
    "SCANNING_FAILED": "harbor.scan.failed",
    "SCANNING_STOPPED": "harbor.scan.stopped",
}
ATTEMPTS = 3
_OUTCOMES = {"Success": "SCANNING_COMPLETED", "Error": "SCANNING_FAILED", "Stopped": "SCANNING_STOPPED"}


@dataclass(frozen=True)
class Webhook:
    """One policy's target. `auth_header` goes verbatim into Authorization; there is no signature (H22)."""

    url: str
    auth_header: str = field(default="", repr=False)
    format: Format = "Default"


@dataclass(frozen=True)
class Event:
    type: str
    operator: str
    data: Json
    project_id: int
    at: datetime


def pushed(
    project: Project, repository: StoredRepository, artifact: Artifact, tag: str, host: str, at: datetime
) -> Event:
    """H23: `tag` is the digest when there is none."""
    reference = f":{tag}" if tag else f"@{artifact.digest}"
    resource = {
        "digest": artifact.digest,
        "tag": tag or artifact.digest,
        "resource_url": f"{host}/{repository.name}{reference}",
    }
    data = {"resources": [resource], "repository": _repository(project, repository, dated=True)}
    return Event("PUSH_ARTIFACT", "robot$ci", data, project.id, at)


def scanned(
    project: Project, repository: StoredRepository, artifact: Artifact, host: str, at: datetime
) -> Event | None:
    """H23: no tag; H27: null for one platform of an index, which has no news of its own. None while it goes on."""
    if artifact.report is None or artifact.report.status not in _OUTCOMES:
        return None
    resource: Json = {
        "digest": artifact.digest,
        "resource_url": f"{host}/{repository.name}@{artifact.digest}",
        "scan_overview": {REPORT_TYPE: native_summary(artifact.report)},
    }
    if repository.in_index(artifact):
        resource["tag"] = None
    data = {
        "resources": [resource],
        "repository": _repository(project, repository, dated=False),
        "scan": {"scan_type": "vulnerability"},
    }
    return Event(_OUTCOMES[artifact.report.status], "auto", data, project.id, at)


def _repository(project: Project, repository: StoredRepository, dated: bool) -> Json:
    shown: Json = {
        "name": repository.name.partition("/")[2],
        "namespace": project.name,
        "repo_full_name": repository.name,
        "repo_type": "public" if project.public else "private",
    }
    if dated:
        shown["date_created"] = int(repository.created.timestamp())
    return shown


def render(event: Event, form: Format) -> tuple[Json, str]:
    """Body and Content-Type. A CloudEvent's id is made here, once: equal on retries (H21)."""
    if form == "Default":
        body = {
            "type": event.type,
            "occur_at": int(event.at.timestamp()),
            "operator": event.operator,
            "event_data": event.data,
        }
        return body, "application/json"
    body = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "requestid": str(uuid.uuid4()),
        "source": f"/projects/{event.project_id}/webhook/policies/1",
        "type": _CLOUD_EVENT_TYPES[event.type],
        "datacontenttype": "application/json",
        "time": second(event.at),
        "data": event.data,
        "operator": event.operator,
    }
    return body, "application/cloudevents+json"


class WebhookQueue:
    """Posts in the background; what cannot be delivered is lost after three tries (H22)."""

    def __init__(self, webhooks: tuple[Webhook, ...], clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def add(self, webhook: Webhook) -> None:
        """It hears of what happens from now on."""
        self._webhooks = (*self._webhooks, webhook)

    def notify(self, event: Event) -> None:
        for webhook in self._webhooks:
            task = asyncio.create_task(self._deliver(webhook, event))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _deliver(self, webhook: Webhook, event: Event) -> None:
        body, content_type = render(event, webhook.format)
        headers = {"Content-Type": content_type}
        if webhook.auth_header:
            headers["Authorization"] = webhook.auth_header
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=3.0, trust_env=False)
        for attempt in range(ATTEMPTS):
            try:
                response = await self._client.post(webhook.url, json=body, headers=headers)
            except httpx.HTTPError:
                pass
            else:
                if response.is_success:
                    return
            await self._clock.sleep(0.2 * (attempt + 1))

    async def close(self) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
