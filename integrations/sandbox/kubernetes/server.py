"""A Kubernetes API server on a real socket, with the types of Tekton Pipelines."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from starlette.types import ASGIApp

from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings, WeatherMiddleware

from . import logs, rbac
from .admission import Admission
from .authentication import ADMINISTRATORS, Authenticator, ClusterUser, service_account
from .crds import CustomResourceDefinitions
from .handler import ApiHandler
from .operations import Operations
from .resources import RBAC, by_kind
from .store import ObjectKey, ObjectStore
from .watching import WatchPolicy

Object = dict[str, Any]


class KubernetesServer:
    """The API server. `.app` is what to serve; `.store` and `.operations` are the world's own way in.

    token: belongs to a cluster administrator (group system:masters); others come from `add_user` and
    `service_account_token`, and are held to the Role objects in the store. crds: a folder of CRD manifests whose
    schemas are enforced too; Tekton's own webhooks check objects with or without it.
    """

    def __init__(self, clock: Clock, token: str, faults: FaultSettings | None = None, crds: Path | None = None) -> None:
        self.store = ObjectStore()
        self.logs = logs.PodLogs()
        self.watch_policy = WatchPolicy()
        self._admission = Admission(CustomResourceDefinitions(crds))
        self.operations = Operations(self.store, self._admission, clock)
        self.authenticator = Authenticator(rbac.Authorizer(self.store))
        self.authenticator.accept(token, ClusterUser("kubernetes-admin", (ADMINISTRATORS, "system:authenticated")))
        self.app: ASGIApp = ApiHandler(
            self.operations, self._admission, self.authenticator, self.logs, self.watch_policy
        )
        if faults is not None:
            self.app = WeatherMiddleware(self.app, faults, "kubernetes")
        for namespace in ("default", "kube-system"):
            self.ensure_namespace(namespace)
        self.load([{"apiVersion": f"{RBAC}/v1", **manifest} for manifest in rbac.BUILT_IN])

    def add_user(self, token: str, name: str, groups: Iterable[str] = ()) -> None:
        self.authenticator.accept(token, ClusterUser(name, (*groups, "system:authenticated")))

    def service_account_token(self, namespace: str, name: str) -> str:
        """A token of that service account, held to what RBAC objects grant it."""
        return self.authenticator.issue(service_account(namespace, name))

    def ensure_namespace(self, name: str) -> None:
        if self.store.get(ObjectKey("", "namespaces", "", name)) is None:
            self.load([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])

    def load(self, manifests: str | Iterable[Mapping[str, Any]]) -> list[Object]:
        """Create, or replace, every object of a YAML text or a list; kinds not served here are left out.

        The namespaces that they name are created. Raises ApiError for what the server would refuse.
        """
        objects = YAML(typ="safe").load_all(manifests) if isinstance(manifests, str) else manifests
        return [
            loaded for obj in objects if obj and (loaded := self._load_one(json.loads(json.dumps(obj, default=str))))
        ]

    def _load_one(self, obj: Object) -> Object | None:
        version = obj["apiVersion"].rpartition("/")[2]
        resource = by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            return None
        namespace = obj["metadata"].get("namespace", "default") if resource.namespaced else ""
        if namespace:
            self.ensure_namespace(namespace)
        decoded = self._admission.decode(obj, resource, version, "Strict").object
        name = decoded["metadata"].get("name", "")
        old = self.store.get(ObjectKey(resource.group, resource.plural, namespace, name))
        if old is None:
            return self.operations.create(resource, namespace, decoded)
        decoded["metadata"].update(namespace=namespace, resourceVersion=old["metadata"]["resourceVersion"])
        return self.operations.update(resource, decoded)

    def compact(self, running_watches: bool = False) -> None:
        """Forget the history, so that older versions answer 410; running watches too, when asked (K1)."""
        self.store.compact()
        if running_watches:
            self.store.tell_subscribers("expired")

    def end_watches(self) -> None:
        """End every running watch cleanly, as real servers do after a while (K1)."""
        self.store.tell_subscribers("ended")
