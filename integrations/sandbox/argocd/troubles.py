"""What goes wrong around Argo CD, as the set faults say: admission, hooks, pulls, other people and controllers."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.sandbox.argocd.cluster import Live
from integrations.sandbox.argocd.comparison import Difference
from integrations.sandbox.argocd.desired import ComparisonFailed
from integrations.sandbox.argocd.transformers import containers
from integrations.sandbox.faults import Faults, FaultSettings

HOOK = "migrate"
FOREIGN = "cy"
"""who syncs where somebody else does"""
_DENIED = (
    'admission webhook "policy.sigstore.dev" denied the request: validation failed: failed policy: signed-images: '
    "spec.template.spec.containers[{index}].image {image} no matching signatures"
)
_COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
_OTHER_PORT = 8443


class Troubles:
    """Reads the faults each time; without one nothing is wrong."""

    def __init__(self, faults: FaultSettings | None) -> None:
        self._faults = faults

    @property
    def now(self) -> Faults:
        return self._faults.now if self._faults else Faults()

    def check_repo_server(self) -> None:
        """Raises ComparisonFailed while the repo-server is away (A32)."""
        if self.now.repo_server_away:
            raise ComparisonFailed(
                "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = "
                'Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp '
                '10.96.0.10:8081: connect: connection refused"'
            )

    def denial(self, manifest: Mapping[str, Any] | None) -> str:
        """The admission policy's words about an object that it does not let in; "" for one that it does (C13)."""
        for index, container in enumerate(containers(manifest or {})):
            if (image := container.get("image", "")) in self.now.admission_refuses:
                return _DENIED.format(index=index, image=image)
        return ""

    def server_side_denial(self, application: Mapping[str, Any], differences: Iterable[Difference]) -> str:
        """Why the comparison fails where it is a dry run on the server, which asks the webhooks (A28, C14)."""
        options = application["metadata"].get("annotations", {}).get(_COMPARE_OPTIONS, "")
        if "ServerSideDiff=true" not in options.split(","):
            return ""
        for one in differences:
            if not one.synced and one.live is not None and (words := self.denial(one.target)):
                what = f"{one.key.kind}/{one.key.name}"
                return (
                    "Failed to compare desired state to live state: failed to calculate diff: error calculating "
                    "server side diff: serverSideDiff error: error running server side apply in dryrun mode for "
                    f"resource {what}: {words}"
                )
        return ""

    def hook_fails(self, targets: Iterable[Mapping[str, Any]]) -> bool:
        return bool(_images(targets) & set(self.now.hook_fails))

    def cannot_be_pulled(self, images: Iterable[str]) -> bool:
        return not set(images).isdisjoint(self.now.pull_fails)

    def meddle(self, name: str, live: Live) -> None:
        """Another controller has its own mind about the Service's port."""
        if name not in self.now.never_converges:
            return
        for key, manifest in live.objects.items():
            if key.kind == "Service":
                for port in manifest["spec"].get("ports", []):
                    port["port"] = _OTHER_PORT


def _images(manifests: Iterable[Mapping[str, Any]]) -> set[str]:
    return {container.get("image", "") for manifest in manifests for container in containers(manifest)}
