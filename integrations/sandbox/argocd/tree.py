"""The resource tree: what an application owns, down to its pods (A21)."""

from typing import Any

from integrations.sandbox.argocd import health
from integrations.sandbox.argocd.cluster import Live, ReplicaSet, ResourceKey
from integrations.sandbox.clock import rfc3339

Node = dict[str, Any]


def resource_tree(live: Live) -> dict[str, Any]:
    nodes: list[Node] = []
    for key, manifest in live.objects.items():
        node = _object_node(live, key, manifest)
        nodes.append(node)
        for one in live.workloads[key].sets if key in live.workloads else []:
            parent = _replica_set_node(live, key, node, one)
            nodes += [parent, *(_pod_node(live, key, parent, one, pod) for pod in one.pods())]
    return {"nodes": nodes, "hosts": [], "shardsCount": 1} if nodes else {"shardsCount": 1}


def find_pods(live: Live) -> dict[str, tuple[ResourceKey, ReplicaSet]]:
    """Every pod's name → (its workload, its replica set)."""
    return {pod: (key, one) for key, workload in live.workloads.items() for one in workload.sets for pod in one.pods()}


def _object_node(live: Live, key: ResourceKey, manifest: dict[str, Any]) -> Node:
    node = _node(live, key, manifest["apiVersion"].rpartition("/")[2], manifest["metadata"]["creationTimestamp"])
    node["resourceVersion"] = manifest["metadata"]["resourceVersion"]
    if found := health.of_object(live, key):
        node["health"] = found
    if key in live.workloads:
        node["info"] = [{"name": "Revision", "value": f"Rev:{live.workloads[key].current.revision}"}]
    if key.kind == "Service" and (selector := manifest["spec"].get("selector")):
        node["networkingInfo"] = {"targetLabels": selector}
    return node


def _replica_set_node(live: Live, owner: ResourceKey, parent: Node, one: ReplicaSet) -> Node:
    node = _node(live, ResourceKey("apps", "ReplicaSet", owner.namespace, one.name), "v1", rfc3339(one.created))
    current = one is live.workloads[owner].current
    status = "Progressing" if current and one.state != "ready" and one.replicas else "Healthy"
    return node | {
        "parentRefs": [_reference(parent)],
        "health": {"status": status},
        "info": [{"name": "Revision", "value": f"Rev:{one.revision}"}],
    }


def _pod_node(live: Live, owner: ResourceKey, parent: Node, one: ReplicaSet, pod: str) -> Node:
    node = _node(live, ResourceKey("", "Pod", owner.namespace, pod), "v1", rfc3339(one.created))
    ready = one.state == "ready"
    reason = {"ready": "Running", "progressing": "ContainerCreating"}.get(one.state, one.state)
    count = len(one.images)
    info = [
        {"name": "Status Reason", "value": reason},
        {"name": "Containers", "value": f"{count if ready else 0}/{count}"},
    ]
    if one.state == "CrashLoopBackOff":
        info.append({"name": "Restart Count", "value": "3"})
    labels = one.template.get("metadata", {}).get("labels", {})
    return node | {
        "parentRefs": [_reference(parent)],
        "health": health.of_pod(one, pod, owner.namespace),
        "images": one.images,
        "info": info,
        "networkingInfo": {"labels": labels},
    }


def _node(live: Live, key: ResourceKey, version: str, created: str) -> Node:
    node = {
        "group": key.group,
        "version": version,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "uid": live.uid(*key),
        "resourceVersion": "1",
        "createdAt": created,
    }
    # Go writes neither an empty group nor an empty namespace.
    return {name: value for name, value in node.items() if value}


def _reference(node: Node) -> Node:
    return {name: node[name] for name in ("group", "kind", "namespace", "name", "uid") if name in node}
