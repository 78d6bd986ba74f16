"""Health of live objects by Argo CD's rules, in its own words (A18)."""

from typing import Any

from integrations.sandbox.argocd.cluster import Live, ReplicaSet, ResourceKey, Workload

Health = dict[str, Any]

_WORST_LAST = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
_WITHOUT_HEALTH = {"ConfigMap", "Secret", "ServiceAccount", "PodDisruptionBudget", "Namespace", "Role", "RoleBinding"}


def of_object(live: Live, key: ResourceKey) -> Health | None:
    """None for kinds that have no health."""
    if key not in live.objects:
        return {"status": "Missing"}
    if key in live.workloads:
        return _of_deployment(key.name, live.workloads[key], live.objects[key]["spec"])
    return None if key.kind in _WITHOUT_HEALTH else {"status": "Healthy"}


def _of_deployment(name: str, workload: Workload, spec: dict[str, Any]) -> Health:
    current = workload.current
    if current.state == "ready":
        return {"status": "Healthy"}
    if current.state == "progressing":
        wanted = int(spec.get("replicas", 1))
        message = f"Waiting for rollout to finish: 0 of {wanted} updated replicas are available..."
        return {"status": "Progressing", "message": message}
    return {"status": "Degraded", "message": f'Deployment "{name}" exceeded its progress deadline'}


def of_pod(one: ReplicaSet, pod: str, namespace: str) -> Health:
    if one.state == "ready":
        return {"status": "Healthy"}
    if one.state == "progressing":
        return {"status": "Progressing"}
    if one.state == "ImagePullBackOff":
        return {"status": "Degraded", "message": f'Back-off pulling image "{one.images[0]}"'}
    container = next(iter(one.template["spec"]["containers"]))["name"]
    message = f"back-off 40s restarting failed container={container} pod={pod}_{namespace}"
    return {"status": "Degraded", "message": message}


def worst(healths: list[Health | None]) -> str:
    """The application's health from that of its resources; without any it is Healthy."""
    known = [str(health["status"]) for health in healths if health]
    return max(known, key=_WORST_LAST.index, default="Healthy")
