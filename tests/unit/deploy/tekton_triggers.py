"""What an EventListener does with a delivery, as Tekton Triggers documents it and wire facts R1-R6 pin it.

The order is Tekton's: interceptors (signature and event type, then CEL filter and overlays), bindings, template.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

import cel

from tests.unit.deploy.manifests import Manifest

Extensions = dict[str, Any]


class Stopped(Exception):
    """An interceptor did not let the delivery through. The sender is told 202 all the same (R1)."""


def runs_of(
    delivery: bytes, headers: Mapping[str, str], manifests: list[Manifest], secrets: Mapping[tuple[str, str], bytes]
) -> list[Manifest]:
    """The objects that one delivery makes. Raises Stopped."""
    listener = _one(manifests, "EventListener")
    made = []
    for trigger in listener["spec"]["triggers"]:
        extensions: Extensions = {}
        for interceptor in trigger["interceptors"]:
            params = {param["name"]: param["value"] for param in interceptor["params"]}
            if interceptor["ref"]["name"] == "github":
                _github(delivery, headers, params, secrets)
            elif interceptor["ref"]["name"] == "cel":
                extensions |= _cel(delivery, headers, params, extensions)
            else:
                raise AssertionError(f"unknown interceptor {interceptor['ref']['name']}")
        event = {"body": json.loads(delivery), "header": dict(headers), "extensions": extensions}
        values: dict[str, str] = {}
        for binding in trigger["bindings"]:
            for param in _one(manifests, "TriggerBinding", binding["ref"])["spec"]["params"]:
                values[param["name"]] = _bound(param["value"], event)
        template = _one(manifests, "TriggerTemplate", trigger["template"]["ref"])["spec"]
        missing = {p["name"] for p in template["params"] if "default" not in p} - values.keys()
        assert not missing, f"the bindings give no {missing}"
        made += [json.loads(_filled(json.dumps(resource), values)) for resource in template["resourcetemplates"]]
    return made


def _one(manifests: list[Manifest], kind: str, name: str = "") -> Manifest:
    (found,) = [o for o in manifests if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return found


def _github(
    delivery: bytes, headers: Mapping[str, str], params: dict[str, Any], secrets: Mapping[tuple[str, str], bytes]
) -> None:
    """R3: only X-Hub-Signature-256 counts; form-encoded hooks are refused; eventTypes compares X-GitHub-Event."""
    if headers.get("Content-Type") != "application/json":
        raise Stopped("form parameter encoding is not supported")
    reference = params["secretRef"]
    signature = headers.get("X-Hub-Signature-256")
    if not signature:
        raise Stopped("no X-Hub-Signature-256 header set")
    secret = secrets[(reference["secretName"], reference["secretKey"])]
    if not hmac.compare_digest(signature, "sha256=" + hmac.new(secret, delivery, hashlib.sha256).hexdigest()):
        raise Stopped("payload signature check failed")
    if headers.get("X-GitHub-Event") not in params["eventTypes"]:
        raise Stopped("event type is not wanted")


def _cel(delivery: bytes, headers: Mapping[str, str], params: dict[str, Any], extensions: Extensions) -> Extensions:
    """R4: the filter must be exactly true; overlays go to extensions and do not see each other."""
    context = cel.Context()
    context.add_variable("body", json.loads(delivery))
    context.add_variable("header", {name: [value] for name, value in headers.items()})
    context.add_variable("extensions", extensions)
    # Of cel-go's string extension, which Triggers switches on; the library here has CEL's core only.
    context.add_function("lowerAscii", lambda text: text.lower())
    try:
        passed = cel.evaluate(params["filter"], context)
    except (ValueError, RuntimeError, TypeError, LookupError) as error:
        raise Stopped(f"expression failed: {error}") from error
    if passed is not True:
        raise Stopped("expression did not return true")
    return {overlay["key"]: cel.evaluate(overlay["expression"], context) for overlay in params.get("overlays", [])}


def _bound(text: str, event: dict[str, Any]) -> str:
    return re.sub(r"\$\(([^()]+)\)", lambda found: _at(event, found[1]), text)


def _at(event: dict[str, Any], path: str) -> str:
    """The value at a JSONPath of plain fields, as text. Raises KeyError where Triggers stops, too."""
    value: Any = event
    for field in path.split("."):
        value = value[field]
    return value if isinstance(value, str) else json.dumps(value)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """R6: plain text in place of $(tt.params.x), without escaping; so the result may be no JSON at all."""
    for name, value in values.items():
        template = template.replace(f"$(tt.params.{name})", value)
    return template
