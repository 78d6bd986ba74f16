"""PipelineRuns as they are posted, in v1 and in v1beta1 (T16). Pure."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import InvalidCommand
from bot.domain.pipeline import RunRequest
from bot.domain.sentence import listed, quoted
from bot.settings import KubernetesSettings
from integrations.tekton import labels, wire

GROUP = "tekton.dev"
VERSIONS = ("v1", "v1beta1")
SYSTEM = "tekton"

# What the controller writes into a spec, and what must not be carried over into a new run.
_NOT_CARRIED = ("status",)


@dataclass(frozen=True)
class Manifests:
    """Writes PipelineRuns for one namespace, in the version that the cluster serves."""

    settings: KubernetesSettings
    version: str

    def run(self, request: RunRequest, pipeline: wire.Pipeline) -> dict[str, Any]:
        """A run of `pipeline`. Raises Refused for parameters that it does not declare, or needs and does not get.

        Without this check Tekton would take the run, and fail it later (T12).
        """
        spec: dict[str, Any] = {
            "pipelineRef": {"name": request.pipeline},
            "params": _params(request, pipeline),
            **self._pod(),
        }
        if claims := [self._claim(w.name) for w in pipeline.spec.workspaces or [] if not w.optional]:
            spec["workspaces"] = claims
        return self._object(request, spec, {})

    def again(self, request: RunRequest, old: Mapping[str, Any]) -> dict[str, Any]:
        """A run like `old`, an object as the API server gave it."""
        spec = {key: value for key, value in old["spec"].items() if key not in _NOT_CARRIED}
        return self._object(request, spec, {labels.RETRY_OF: old["metadata"]["name"]})

    def _object(self, request: RunRequest, spec: dict[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
        ties = {
            labels.APP: request.app,
            labels.REQUESTER: request.requester,
            labels.REQUEST_ID: request.id,
            **more,
        }
        told = {key: value for key, value in ties.items() if value}
        return {
            "apiVersion": f"{GROUP}/{self.version}",
            "kind": "PipelineRun",
            "metadata": {
                "name": labels.run_name(request.app or request.pipeline, request.id),
                "namespace": self.settings.namespace,
                "labels": {
                    labels.MANAGED_BY: labels.PRODUCT,
                    **{key: labels.label_value(value) for key, value in told.items()},
                },
                "annotations": told,
            },
            "spec": spec,
        }

    def _pod(self) -> dict[str, Any]:
        settings = self.settings
        template: dict[str, Any] = {}
        if settings.service_account:
            template["serviceAccountName"] = settings.service_account
        if settings.fs_group:
            template["podTemplate"] = {"securityContext": {"fsGroup": settings.fs_group}}
        if not template or self.version == "v1beta1":
            return template
        return {"taskRunTemplate": template}

    def _claim(self, workspace: str) -> dict[str, Any]:
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": self.settings.storage}}}
        return {"name": workspace, "volumeClaimTemplate": {"spec": claim}}


def _params(request: RunRequest, pipeline: wire.Pipeline) -> list[dict[str, Any]]:
    declared = {param.name: param for param in pipeline.spec.params or []}
    given = dict(request.params)
    if request.revision and "revision" in declared:
        given.setdefault("revision", request.revision)
    if unknown := sorted(given.keys() - declared.keys()):
        names = listed([quoted(name) for name in sorted(declared)]) or "none"
        raise InvalidCommand(f"The pipeline {request.pipeline} has no parameter `{unknown[0]}`: it has {names}.")
    if missing := sorted(name for name, param in declared.items() if param.default is None and name not in given):
        raise InvalidCommand(
            f"The pipeline {request.pipeline} needs the parameter `{missing[0]}`: add `{missing[0]}=…` to the command."
        )
    return [{"name": name, "value": _value(declared[name], text)} for name, text in given.items()]


NEEDED = {
    "array": "words as in a shell, with both quotes where there is one",
    "object": 'an object in JSON, for example {"name": "value"}',
}


def _value(param: wire.ParamSpec, text: str) -> Any:
    """An array is given as words, as in a shell; an object as JSON."""
    try:
        if param.type == "array":
            return shlex.split(text)
        if param.type == "object":
            return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise InvalidCommand(f"The parameter `{param.name}` needs {NEEDED[param.type]}.") from error
    return text
