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

Manifest = dict[str, Any]
Extensions = dict[str, Any]
Headers = Mapping[str, str]
Secrets = Mapping[tuple[str, str], bytes]
"""name of a Secret and key in it → value"""


class Stopped(Exception):
    """Nothing comes of the delivery. The sender gets 202 all the same (R1)."""


def runs_of(delivery: bytes, headers: Headers, manifests: list[Manifest], secrets: Secrets) -> list[Manifest]:
    """The objects that one delivery makes, by every trigger of the one EventListener. Raises Stopped."""
    listener = _one(manifests, "EventListener")
    made = []
    for trigger in listener["spec"]["triggers"]:
        made += objects_of(trigger, delivery, headers, manifests, secrets)
    return made


def objects_of(
    trigger: Manifest, delivery: bytes, headers: Headers, manifests: list[Manifest], secrets: Secrets
) -> list[Manifest]:
    """Those that one trigger makes. Raises Stopped."""
    extensions: Extensions = {}
    known = {name.title(): value for name, value in headers.items()}  # as Go writes them
    for interceptor in trigger["interceptors"]:
        params = {param["name"]: param["value"] for param in interceptor["params"]}
        if interceptor["ref"]["name"] == "github":
            _github(delivery, known, params, secrets)
        elif interceptor["ref"]["name"] == "cel":
            extensions |= _cel(delivery, known, params, extensions)
        else:
            raise Stopped(f"unknown interceptor {interceptor['ref']['name']}")
    event = {"body": json.loads(delivery), "header": known, "extensions": extensions}
    values: dict[str, str] = {}
    for binding in trigger["bindings"]:
        for param in _one(manifests, "TriggerBinding", binding["ref"])["spec"]["params"]:
            values[param["name"]] = _bound(param["value"], event)
    template = _one(manifests, "TriggerTemplate", trigger["template"]["ref"])["spec"]
    if missing := {p["name"] for p in template["params"] if "default" not in p} - values.keys():
        raise Stopped(f"the bindings give no {', '.join(sorted(missing))}")
    return [_filled(resource, values) for resource in template["resourcetemplates"]]


def _one(manifests: list[Manifest], kind: str, name: str = "") -> Manifest:
    found = [o for o in manifests if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    if len(found) != 1:
        raise Stopped(f"there are {len(found)} of the kind {kind} called {name!r}, not one")
    return found[0]


def _github(delivery: bytes, headers: Headers, params: dict[str, Any], secrets: Secrets) -> None:
    """R3: only X-Hub-Signature-256 counts; form-encoded hooks are refused; eventTypes compares X-GitHub-Event."""
    if headers.get("Content-Type") != "application/json":
        raise Stopped("form parameter encoding is not supported")
    reference = params["secretRef"]
    signature = headers.get("X-Hub-Signature-256")
    if not signature:
        raise Stopped("no X-Hub-Signature-256 header set")
    secret = secrets.get((reference["secretName"], reference["secretKey"]))
    if not secret:
        raise Stopped(f"no secret {reference['secretName']}")
    if not hmac.compare_digest(signature, "sha256=" + hmac.new(secret, delivery, hashlib.sha256).hexdigest()):
        raise Stopped("payload signature check failed")
    event = headers.get("X-Github-Event", "")
    if event not in params["eventTypes"]:
        raise Stopped(f"event type {event} is not allowed")


def _cel(delivery: bytes, headers: Headers, params: dict[str, Any], extensions: Extensions) -> Extensions:
    """R4: the filter must be exactly true; overlays go to extensions and do not see each other.

    A header has a list of values.
    """
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
    """The value at a JSONPath of plain fields, as text. Raises Stopped where there is none, as Triggers does."""
    value: Any = event
    for field in path.split("."):
        if not isinstance(value, dict) or field not in value:
            raise Stopped(f"{path} is not there")
        value = value[field]
    return value if isinstance(value, str) else json.dumps(value)


def _filled(resource: Manifest, values: Mapping[str, str]) -> Manifest:
    """R6: plain text in place of $(tt.params.x), without escaping; what is no JSON then is no object."""
    template = json.dumps(resource)
    for name, value in values.items():
        template = template.replace(f"$(tt.params.{name})", value)
    try:
        filled: Manifest = json.loads(template)
    except ValueError as error:
        raise Stopped(f"the template is no JSON with these values: {error}") from None
    return filled
