"""Where the cluster differs from git."""

from dataclasses import dataclass
from typing import Any

from integrations.argocd import wire
from integrations.argocd.errors import SYSTEM
from integrations.http.answer import decode

ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """One place in a resource; `live` and `target` are what the cluster has and what git wants there."""

    path: str
    live: Any
    target: Any


@dataclass(frozen=True)
class Drift:
    """A managed resource that is not as git wants it. No differences: it is missing, or it should not be there."""

    kind: str
    name: str
    namespace: str
    missing: bool = False
    surplus: bool = False
    differences: tuple[Difference, ...] = ()


def drifts(resources: wire.ManagedResources, operation: str) -> tuple[Drift, ...]:
    """Hooks apart. Raises Refused for states that are not JSON."""
    found = (drift(resource, operation) for resource in resources.items or () if not resource.hook)
    return tuple(d for d in found if d.missing or d.surplus or d.differences)


def drift(resource: wire.ManagedResource, operation: str) -> Drift:
    """A21: the states that Argo CD itself compares are the normalized and the predicted one."""
    live = state(resource.normalized_live_state or resource.live_state, operation)
    target = state(resource.predicted_live_state or resource.target_state, operation)
    wanted = state(resource.target_state, operation)
    names = (resource.kind, resource.name, resource.namespace or "")
    if live is None or wanted is None:
        return Drift(*names, missing=live is None and wanted is not None, surplus=wanted is None and live is not None)
    return Drift(*names, differences=tuple(differences(live, target)))


def state(text: str | None, operation: str) -> Any:
    """The JSON in the string; None for the string "null", too."""
    return decode(text, Any, SYSTEM, operation) if text else None


def differences(live: Any, target: Any, path: str = "") -> list[Difference]:
    """Each place where the two differ, as deep as both have the same shape."""
    if isinstance(live, dict) and isinstance(target, dict):
        keys = [*target, *(k for k in live if k not in target)]
        return [
            d for k in keys for d in differences(live.get(k, ABSENT), target.get(k, ABSENT), f"{path}.{k}".lstrip("."))
        ]
    if isinstance(live, list) and isinstance(target, list) and len(live) == len(target):
        pairs = zip(live, target, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in differences(a, b, f"{path}[{i}]")]
    return [] if live == target else [Difference(path, live, target)]
