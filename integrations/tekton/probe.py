"""May we do there what we need to do, and does the cluster's clock agree with ours?"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from bot.settings import KubernetesSettings
from integrations.http.date import ahead
from integrations.http.policy import HttpPolicy
from integrations.tekton import wire
from integrations.tekton.cluster import Apis, Cluster, decode
from integrations.tekton.manifests import SYSTEM

REVIEWS = ("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews")


@dataclass(frozen=True)
class Right:
    """One verb. `resource` may name a subresource (pods/log); `namespace` "" is the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str = ""


class ClusterProbe:
    """Questions about ourselves, which any account may ask. Raises Unavailable and Refused. Close it."""

    def __init__(self, settings: KubernetesSettings, policy: HttpPolicy | None = None) -> None:
        self._cluster = Cluster(settings, policy or HttpPolicy())
        self._date = ""

    async def may(self, right: Right) -> bool:
        """SelfSubjectAccessReview."""
        resource, _, subresource = right.resource.partition("/")
        attributes = {
            "verb": right.verb,
            "group": right.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": right.namespace,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }

        async def request(apis: Apis) -> Any:
            response = await apis.ask("POST", REVIEWS, body=review)
            self._date = response.headers.get("Date", "")
            return response

        operation = f"ask whether we may {right.verb} {right.resource}"
        answer = decode(operation, await self._cluster.read(operation, request), wire.AccessReview)
        return answer.status is not None and answer.status.allowed

    async def clock_ahead(self) -> timedelta:
        """How far the cluster's clock is ahead of ours."""
        await self.may(Right("create", "authorization.k8s.io", "selfsubjectaccessreviews"))
        return ahead(SYSTEM, self._date)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cluster.close()
