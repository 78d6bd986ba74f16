"""What a controller tells others: core Events in the cluster, and CloudEvents to a sink (T19)."""

import asyncio
import uuid
from typing import Any

import httpx

from .cluster import EVENT, Cluster

Object = dict[str, Any]

_TYPES = {"True": "successful", "False": "failed"}
_UNKNOWN = {"Started": "started", "Running": "running"}


class Reporter:
    """Tells each change of a run's condition once. Events may be lost: they are a hint, never the truth (T19)."""

    def __init__(self, cluster: Cluster, sink: str | None = None) -> None:
        self._cluster = cluster
        self._sink = sink
        self._client = httpx.AsyncClient(timeout=3.0, trust_env=False) if sink else None
        self._told: dict[str, tuple[str, str]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    def tell(self, run: Object) -> None:
        conditions = (run.get("status") or {}).get("conditions")
        if not conditions:
            return
        present = (conditions[0]["status"], conditions[0]["reason"])
        if self._told.get(run["metadata"]["uid"]) == present:
            return
        self._told[run["metadata"]["uid"]] = present
        self._record_event(run, conditions[0])
        if self._client is not None:
            task = asyncio.create_task(self._post(run, _event_type(run["kind"], *present)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _record_event(self, run: Object, found: Object) -> None:
        metadata, now = run["metadata"], self._cluster.now()
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}"},
            "involvedObject": {
                "apiVersion": run["apiVersion"], "kind": run["kind"], "name": metadata["name"],
                "namespace": metadata["namespace"], "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            "type": "Warning" if found["status"] == "False" else "Normal",
            "reason": found["reason"],
            "message": found["message"],
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": run["kind"]},
        }  # fmt: skip
        self._cluster.create(EVENT, metadata["namespace"], event)

    async def _post(self, run: Object, event_type: str) -> None:
        metadata = run["metadata"]
        plural = f"{run['kind'].lower()}s"
        headers = {
            "Ce-Id": str(uuid.uuid4()),
            "Ce-Source": f"/apis/{run['apiVersion']}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}",
            "Ce-Specversion": "1.0",
            "Ce-Subject": metadata["name"],
            "Ce-Time": self._cluster.moment().isoformat().replace("+00:00", "Z"),
            "Ce-Type": event_type,
            "Content-Type": "application/json",
        }
        body = {run["kind"][0].lower() + run["kind"][1:]: run}
        try:
            assert self._client is not None
            await self._client.post(str(self._sink), json=body, headers=headers)
        except httpx.HTTPError:
            return

    async def close(self) -> None:
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()


def _event_type(kind: str, status: str, reason: str) -> str:
    word = _TYPES.get(status) or _UNKNOWN.get(reason, "unknown")
    return f"dev.tekton.event.{kind.lower()}.{word}.v1"
