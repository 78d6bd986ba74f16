"""From a posted object to a stored one: decoding, conversion, defaults, schema, webhooks, in the API server's order."""

import copy
import re
from dataclasses import dataclass, field
from typing import Any

from . import builtin_types, fields
from .crds import CustomResourceDefinitions
from .errors import bad_request, invalid
from .resources import Resource
from .tekton import shapes, webhooks
from .tekton.conversion import convert

Object = dict[str, Any]

_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_RBAC_KINDS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


@dataclass
class Decoded:
    """An object in its storage version, and what the client is warned about."""

    object: Object
    warnings: list[str] = field(default_factory=list)


class Admission:
    def __init__(self, definitions: CustomResourceDefinitions) -> None:
        self._definitions = definitions

    def decode(self, obj: Object, resource: Resource, version: str, validation: str) -> Decoded:
        """Check the type, prune unknown fields (K5), convert to the storage version.

        `validation` is the query parameter fieldValidation: Strict refuses what Warn only tells and Ignore swallows.
        Raises ApiError 400.
        """
        expected = resource.api_version(version)
        obj = {"apiVersion": expected, "kind": resource.kind, **copy.deepcopy(obj)}
        if obj["apiVersion"] != expected:
            raise bad_request(
                f"the API version in the data ({obj['apiVersion']}) does not match the expected API version "
                f"({expected})"
            )
        if obj["kind"] != resource.kind:
            raise bad_request(f'{resource.kind} in version "{version}" cannot be handled as a {obj["kind"]}')
        if not isinstance(obj.setdefault("metadata", {}), dict):
            raise bad_request("error decoding the body of the request: metadata must be an object")
        unknown = self._unknown_fields(obj, resource)
        if unknown and validation == "Strict":
            told = ", ".join(f'unknown field "{path}"' for path in unknown)
            raise bad_request(f"strict decoding error: {told}")
        for path in unknown:
            # A run's, Pipeline's or Task's unknown spec fields are for the webhook to refuse (T12).
            if not (obj["kind"] in shapes.SPECS and path.startswith("spec")):
                fields.remove(obj, path)
        warnings = [f'unknown field "{path}"' for path in unknown] if validation != "Ignore" else []
        if resource.group == "tekton.dev":
            obj = convert(obj, resource.storage_version)
        return Decoded(obj, warnings)

    def _unknown_fields(self, obj: Object, resource: Resource) -> list[str]:
        if not resource.custom:
            return builtin_types.unknown_fields(obj, obj["kind"])
        unknown = [key for key in obj if key not in ("apiVersion", "kind", "metadata", "spec", "status")]
        unknown += builtin_types.unknown_fields({"metadata": obj["metadata"]}, "Pod")
        unknown += [path for path in self._definitions.unknown_fields(obj) if path not in unknown]
        return unknown

    def admit(self, obj: Object, old: Object | None, resource: Resource) -> Object:
        """Defaults and refusals of a whole write. Raises ApiError 400 (webhooks) or 422 (schema, names)."""
        self._check_metadata(obj, resource)
        if resource.group == "tekton.dev":
            obj = webhooks.mutate(obj)
        self.check_schema(obj, resource)
        if resource.group == "tekton.dev":
            webhooks.validate(obj, old)
        return obj

    def check_schema(self, obj: Object, resource: Resource) -> None:
        if causes := self._definitions.violations(obj):
            raise invalid(resource.group, resource.kind, obj["metadata"].get("name", ""), causes)

    @staticmethod
    def _check_metadata(obj: Object, resource: Resource) -> None:
        metadata = obj["metadata"]
        name = metadata["name"]
        # RBAC names may hold colons (`system:discovery`).
        if obj["kind"] not in _RBAC_KINDS and (not _NAME.match(name) or len(name) > 253):
            sentence = (
                f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
                "characters, '-' or '.', and must start and end with an alphanumeric character"
            )
            raise invalid(resource.group, resource.kind, name, [("metadata.name", "FieldValueInvalid", sentence)])
        for key, value in (metadata.get("labels") or {}).items():
            if not re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", str(value)):
                sentence = (
                    f'Invalid value: "{value}": a valid label must be an empty string or consist of alphanumeric '
                    "characters, '-', '_' or '.', and must start and end with an alphanumeric character"
                )
                cause = (f"metadata.labels.{key}", "FieldValueInvalid", sentence)
                raise invalid(resource.group, resource.kind, name, [("metadata.labels", *cause[1:])])
