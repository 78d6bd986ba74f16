"""Target against live: which resources are out of sync, and what that makes of the application."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.argocd.cluster import Live, ResourceKey, by_key, covers

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One resource: its target and live states (None where absent)."""

    key: ResourceKey
    target: Manifest | None
    live: Manifest | None

    @property
    def synced(self) -> bool:
        return self.target is not None and self.live is not None and covers(self.live, self.target)

    @property
    def version(self) -> str:
        manifest = self.target or self.live
        assert manifest is not None
        return str(manifest["apiVersion"]).rpartition("/")[2]

    def reference(self) -> dict[str, Any]:
        parts = {"group": self.key.group, "version": self.version, "kind": self.key.kind,
                 "namespace": self.key.namespace, "name": self.key.name}  # fmt: skip
        return {name: value for name, value in parts.items() if value}

    def status(self) -> dict[str, Any]:
        """An entry of `status.resources`, without health: that is in the tree only (A22)."""
        entry = self.reference() | {"status": "Synced" if self.synced else "OutOfSync"}
        return entry | ({"requiresPruning": True} if self.target is None else {})


def compare(targets: Iterable[Manifest], live: Live) -> list[Difference]:
    wanted = by_key(targets)
    keys = sorted({*wanted, *live.objects})
    return [Difference(key, wanted.get(key), live.objects.get(key)) for key in keys]


def sync_status(differences: Iterable[Difference]) -> str:
    return "Synced" if all(difference.synced for difference in differences) else "OutOfSync"
