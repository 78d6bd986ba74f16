"""Kubernetes events about an application and its pods."""

from datetime import datetime
from typing import Any

from integrations.sandbox.argocd import health
from integrations.sandbox.argocd.cluster import Live
from integrations.sandbox.argocd.store import Store
from integrations.sandbox.argocd.tree import find_pods
from integrations.sandbox.clock import rfc3339

Event = dict[str, Any]

_KEPT = 100


def record(store: Store, name: str, reason: str, message: str, now: datetime, *, failed: bool = False) -> None:
    metadata = store.applications[name]["metadata"]
    involved = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        **{field: metadata[field] for field in ("name", "namespace", "uid", "resourceVersion")},
    }
    events = store.events[name]
    events.append(_event(f"{name}.{len(events):x}", involved, reason, message, now, failed=failed))
    del events[:-_KEPT]


def of_resource(live: Live, uid: str, now: datetime) -> list[Event]:
    """What the cluster says about one resource: its failing pods complain."""
    found = []
    for pod, (key, one) in find_pods(live).items():
        pod_uid = live.uid("", "Pod", key.namespace, pod)
        if pod_uid != uid or one.state not in {"CrashLoopBackOff", "ImagePullBackOff"}:
            continue
        involved = {"kind": "Pod", "name": pod, "namespace": key.namespace, "uid": pod_uid, "apiVersion": "v1"}
        message = health.of_pod(one, pod, key.namespace)["message"]
        found.append(_event(f"{pod}.1", involved, "BackOff", message, now, failed=True))
    return found


def _event(name: str, involved: Event, reason: str, message: str, now: datetime, *, failed: bool) -> Event:
    return {
        "metadata": {"name": name, "namespace": involved["namespace"], "creationTimestamp": rfc3339(now)},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "source": {"component": "argocd-application-controller"},
        "firstTimestamp": rfc3339(now),
        "lastTimestamp": rfc3339(now),
        "count": 1,
        "type": "Warning" if failed else "Normal",
    }
