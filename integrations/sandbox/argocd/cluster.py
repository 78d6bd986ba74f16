"""What runs: the live objects of one application, and the rollouts of its workloads."""

import copy
import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from integrations.sandbox.argocd.managed_fields import ARGO_CD, HAND, SCALE, written
from integrations.sandbox.argocd.transformers import containers
from integrations.sandbox.clock import rfc3339

Manifest = dict[str, Any]
State = Literal["progressing", "ready", "CrashLoopBackOff", "ImagePullBackOff"]

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own: no vowels, so no words


class ResourceKey(NamedTuple):
    """What one object is known by."""

    group: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> "ResourceKey":
        group = manifest["apiVersion"].rpartition("/")[0]
        metadata = manifest["metadata"]
        return cls(group, manifest["kind"], metadata.get("namespace", ""), metadata["name"])


@dataclass
class ReplicaSet:
    """One revision of a workload's pod template."""

    name: str
    template: Manifest
    revision: int
    replicas: int
    created: datetime
    state: State = "progressing"
    proven: bool = False  # pods that ran well once run well again: going back to them is no gamble

    @property
    def images(self) -> list[str]:
        return [container["image"] for container in containers(self.template)]

    def pods(self) -> list[str]:
        return [f"{self.name}-{_suffix(f'{self.name}/{ordinal}', 5)}" for ordinal in range(self.replicas)]


@dataclass
class Workload:
    """The revisions of one Deployment, oldest first."""

    sets: list[ReplicaSet] = field(default_factory=list)

    @property
    def current(self) -> ReplicaSet:
        return max(self.sets, key=lambda one: one.revision)

    def roll(self, name: str, template: Manifest, replicas: int, now: datetime) -> bool:
        """Take a new desired state; True when new pods are on their way."""
        hashed = f"{name}-{_suffix(json.dumps(template, sort_keys=True), 10)}"
        known = next((one for one in self.sets if one.name == hashed), None)
        if known is not None and known is self.current:
            known.replicas = replicas
            return False
        revision = self.current.revision + 1 if self.sets else 1
        if known is None:
            self.sets.append(ReplicaSet(hashed, copy.deepcopy(template), revision, replicas, now))
        else:
            known.revision, known.replicas, known.created, known.state = revision, replicas, now, "progressing"
        return True

    def settle(self, state: State) -> None:
        """The rollout's end: the old pods go when the new ones are ready, and stay when they are not."""
        current = self.current
        current.state = state
        if state == "ready":
            current.proven = True
            for one in self.sets:
                if one is not current:
                    one.replicas = 0
        else:
            # maxSurge: one pod of the new revision is tried, the others wait for it.
            current.replicas = min(current.replicas, 1)


@dataclass(frozen=True)
class ByHand:
    """What kubectl changes of a Deployment: `set image`, `scale`, `set env`. Empty is as it was."""

    image: str = ""
    replicas: int | None = None
    variable: str = ""
    value: str = ""


@dataclass
class Live:
    """The part of a cluster that one application owns."""

    uid_seed: str
    objects: dict[ResourceKey, Manifest] = field(default_factory=dict)
    workloads: dict[ResourceKey, Workload] = field(default_factory=dict)
    settling: set[ResourceKey] = field(default_factory=set)
    _versions: int = 1000

    def apply(self, manifest: Manifest, now: datetime, manager: str = ARGO_CD) -> str:
        """kubectl's word for what happened: created, configured or unchanged."""
        key = ResourceKey.of(manifest)
        before = self.objects.get(key)
        if before is not None and covers(before, manifest):
            return "unchanged"
        metadata = before["metadata"] if before else {"uid": self.uid(*key), "creationTimestamp": rfc3339(now)}
        self._versions += 1
        live = copy.deepcopy(manifest)
        kept = {name: metadata[name] for name in ("uid", "creationTimestamp")}
        fields = written(before, live, manager, rfc3339(now))
        live["metadata"] |= kept | {"resourceVersion": str(self._versions), "managedFields": fields}
        self.objects[key] = live
        self._roll(key, live, now)
        return "configured" if before else "created"

    def change(self, by_hand: "ByHand", now: datetime) -> None:
        """Somebody's hand in the cluster. Raises LookupError when no Deployment is there."""
        changed = copy.deepcopy(self.objects[self._deployment()])
        container = next(iter(containers(changed)))
        if by_hand.image:
            container["image"] = by_hand.image
        if by_hand.replicas is not None:
            changed["spec"]["replicas"] = by_hand.replicas
        if by_hand.variable:
            others = [one for one in container.get("env", []) if one["name"] != by_hand.variable]
            container["env"] = [*others, {"name": by_hand.variable, "value": by_hand.value}]
        changed["metadata"].pop("managedFields", None)
        self.apply(changed, now, HAND if by_hand.replicas is None else SCALE)

    def fall_ill(self) -> ReplicaSet:
        """The running pods crash from now on, without anybody's doing. Raises LookupError as `change` does."""
        current = self.workloads[self._deployment()].current
        current.state = "CrashLoopBackOff"
        return current

    def _deployment(self) -> ResourceKey:
        key = next((key for key in self.objects if key.kind == "Deployment"), None)
        if key is None:
            raise LookupError("no Deployment is live: sync the application first")
        return key

    def remove(self, key: ResourceKey) -> None:
        self.objects.pop(key, None)
        self.workloads.pop(key, None)
        self.settling.discard(key)

    def _roll(self, key: ResourceKey, live: Manifest, now: datetime) -> None:
        if key.kind != "Deployment":
            return
        workload = self.workloads.setdefault(key, Workload())
        spec = live["spec"]
        if workload.roll(key.name, spec["template"], int(spec.get("replicas", 1)), now):
            self.settling.add(key)

    def images(self) -> list[str]:
        """Of the pods that there are: during a rollout the old and the new ones."""
        sets = [one for workload in self.workloads.values() for one in workload.sets if one.replicas]
        return sorted({image for one in sets for image in one.images})

    def uid(self, *parts: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join((self.uid_seed, *parts))))


def covers(live: Any, target: Any) -> bool:
    """Whether everything that `target` asks for is so in `live`; what only `live` has is the cluster's own business."""
    if isinstance(target, dict):
        return isinstance(live, dict) and all(key in live and covers(live[key], target[key]) for key in target)
    if isinstance(target, list):
        return (
            isinstance(live, list)
            and len(live) == len(target)
            and all(covers(one, other) for one, other in zip(live, target, strict=True))
        )
    return bool(live == target)


def by_key(manifests: Iterable[Manifest]) -> dict[ResourceKey, Manifest]:
    return {ResourceKey.of(manifest): manifest for manifest in manifests}


def _suffix(text: str, length: int) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])
