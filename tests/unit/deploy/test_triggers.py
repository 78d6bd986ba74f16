"""A push at GitHub becomes a run: the real sample, signed, through the triggers of deploy/."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from integrations.sandbox.triggers import Stopped, runs_of
from tests.unit.deploy.manifests import CONTRACTS, find, objects
from tests.unit.deploy.strict_schema import mistakes

SECRET = b"a webhook secret"
SECRETS = {("github-webhook", "secret"): SECRET}
COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"


def sample(name: str = "github.webhook.push.new-branch") -> dict[str, Any]:
    """GitHub's own sample, with its owner renamed to the organisation of deploy/."""
    file = CONTRACTS / "samples" / f"{name}.json"
    if not file.exists():
        pytest.skip(f"the contracts are not at {CONTRACTS}")
    payload: dict[str, Any] = json.loads(file.read_text().replace("Codertocat", "example"))
    return payload


def signed(delivery: bytes, secret: bytes = SECRET) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, delivery, hashlib.sha256).hexdigest(),
    }


def pushed(payload: dict[str, Any]) -> list[dict[str, Any]]:
    delivery = json.dumps(payload).encode()
    return runs_of(delivery, signed(delivery), objects("platform/tekton"), SECRETS)


def test_a_signed_push_becomes_the_run_of_its_commit() -> None:
    """R2, R4: the commit is a label, so nobody needs the event's id; `extensions.app` is an overlay."""
    (run,) = pushed(sample())
    assert run["metadata"] == {
        "generateName": "hello-world-",
        "namespace": "ci",
        "labels": {
            "app.kubernetes.io/name": "hello-world",
            "pilothouse.dev/app": "hello-world",
            "pilothouse.dev/revision": COMMIT,
        },
    }
    assert run["spec"]["params"] == [
        {"name": "repo-url", "value": "https://github.com/example/Hello-World.git"},
        {"name": "revision", "value": COMMIT},
        {"name": "image", "value": "harbor.example.com/apps/hello-world"},
    ]


def test_the_run_is_valid_and_fits_its_pipeline() -> None:
    (run,) = pushed(sample())
    assert not mistakes(run)
    pipeline = find("platform/tekton", "Pipeline", run["spec"]["pipelineRef"]["name"])["spec"]
    given = {param["name"] for param in run["spec"]["params"]}
    assert (
        {p["name"] for p in pipeline["params"] if "default" not in p}
        <= given
        <= {p["name"] for p in pipeline["params"]}
    )
    assert [w["name"] for w in run["spec"]["workspaces"]] == [w["name"] for w in pipeline["workspaces"]]
    account = run["spec"]["taskRunTemplate"]["serviceAccountName"]
    assert find("platform/tekton", "ServiceAccount", account)


def test_a_signature_by_another_secret_is_refused() -> None:
    """R3, R9."""
    delivery = json.dumps(sample()).encode()
    with pytest.raises(Stopped, match="signature check failed"):
        runs_of(delivery, signed(delivery, b"another"), objects("platform/tekton"), SECRETS)


def test_a_changed_body_is_refused() -> None:
    delivery = json.dumps(sample()).encode()
    with pytest.raises(Stopped, match="signature check failed"):
        runs_of(delivery + b" ", signed(delivery), objects("platform/tekton"), SECRETS)


def test_only_the_sha256_signature_counts() -> None:
    """R3."""
    delivery = json.dumps(sample()).encode()
    headers = signed(delivery)
    headers["X-Hub-Signature"] = "sha1=" + hmac.new(SECRET, delivery, hashlib.sha1).hexdigest()
    del headers["X-Hub-Signature-256"]
    with pytest.raises(Stopped, match="no X-Hub-Signature-256"):
        runs_of(delivery, headers, objects("platform/tekton"), SECRETS)


def test_another_event_is_refused() -> None:
    delivery = json.dumps(sample()).encode()
    with pytest.raises(Stopped, match="event type"):
        runs_of(delivery, {**signed(delivery), "X-GitHub-Event": "ping"}, objects("platform/tekton"), SECRETS)


def test_the_removal_of_a_tag_is_no_run() -> None:
    """R4. The other real sample: `after` is all zeros, `head_commit` null."""
    with pytest.raises(Stopped, match="did not return true"):
        pushed(sample("github.webhook.push"))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(ref="refs/heads/feature"),
        lambda p: p.update(ref="refs/tags/" + p["repository"]["default_branch"]),
        lambda p: p.update(deleted=True),
        lambda p: p.update(after=COMMIT[:39]),
        lambda p: p.update(after=COMMIT + '"'),
        lambda p: p["repository"].update(full_name="stranger/Hello-World"),
        lambda p: p["repository"].update(clone_url="https://evil.example.net/example/Hello-World.git"),
        lambda p: p["repository"].update(name='x"}],"x', full_name='example/x"}],"x'),
        lambda p: p["repository"].update(name="a.b", full_name="example/a.b"),
        lambda p: p["repository"].update(name="-a", full_name="example/-a"),
        lambda p: p["repository"].update(
            name="overlays", full_name="example/overlays", clone_url="https://github.com/example/overlays.git"
        ),
        lambda p: p.pop("repository"),
        lambda p: p.pop("after"),
    ],
)
def test_what_is_not_a_commit_on_our_default_branch_is_no_run(change: Callable[[dict[str, Any]], Any]) -> None:
    """R4: a filter that fails is not true either."""
    payload = sample()
    change(payload)
    with pytest.raises(Stopped, match=r"expression (failed|did not return true)"):
        pushed(payload)


def test_the_repository_that_is_never_built_is_the_one_that_the_pipeline_writes() -> None:
    """Its pushes reach the organisation's webhook too: each promotion would start a run that fails."""
    params = find("platform/tekton", "Pipeline")["spec"]["params"]
    written = next(p["default"] for p in params if p["name"] == "manifest-url")
    listener = find("platform/tekton", "EventListener")["spec"]["triggers"][0]["interceptors"][1]
    filter = next(p["value"] for p in listener["params"] if p["name"] == "filter")
    assert f"body.repository.name != '{written.removesuffix('.git').rpartition('/')[2]}'" in filter


def test_text_that_a_stranger_may_choose_reaches_no_run() -> None:
    """R6: the template does not escape, so a commit message, a branch or a person's name must not be bound."""
    payload = sample()
    poison = 'x"}\n$(params.image) `id` {{'
    payload["head_commit"] = {"message": poison, "author": {"name": poison}}
    payload["pusher"]["name"] = payload["repository"]["description"] = payload["sender"]["login"] = poison
    (run,) = pushed(payload)
    assert poison not in json.dumps(run)
    assert not mistakes(run)


def test_every_value_that_is_bound_was_checked_by_the_filter() -> None:
    """R6: a new binding needs a rule for the shape of its value."""
    interceptor = find("platform/tekton", "EventListener")["spec"]["triggers"][0]["interceptors"][1]
    params = {param["name"]: param["value"] for param in interceptor["params"]}
    checked = {"body.repository.clone_url", "body.after"}
    for param in find("platform/tekton", "TriggerBinding")["spec"]["params"]:
        source = param["value"].removeprefix("$(").removesuffix(")")
        if source.startswith("extensions."):
            (overlay,) = [o for o in params["overlays"] if o["key"] == source.removeprefix("extensions.")]
            assert overlay["expression"] == "body.repository.name.lowerAscii()"
        else:
            assert source in checked
            assert source in params["filter"]


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


TEXT = {"type": "string"}
PARAMS = {"type": "array", "items": closed(["name", "value"], name=TEXT, value={})}
REFERENCE = closed(["name"], name=TEXT, kind={"enum": ["ClusterInterceptor", "NamespacedInterceptor"]})
SPECS = {
    "EventListener": closed(
        ["serviceAccountName", "triggers"],
        serviceAccountName=TEXT,
        triggers={
            "type": "array",
            "items": closed(
                ["name", "bindings", "template", "interceptors"],
                name=TEXT,
                interceptors={
                    "type": "array",
                    "minItems": 1,
                    "items": closed(["ref", "params"], name=TEXT, ref=REFERENCE, params=PARAMS),
                },
                bindings={"type": "array", "items": closed(["ref"], ref=TEXT)},
                template=closed(["ref"], ref=TEXT),
            ),
        },
        resources=closed(
            ["kubernetesResource"],
            kubernetesResource=closed([], replicas={"type": "integer"}, serviceType=TEXT, spec=closed([], template={})),
        ),
    ),
    "TriggerBinding": closed(["params"], params=PARAMS),
    "TriggerTemplate": closed(
        ["params", "resourcetemplates"],
        params={
            "type": "array",
            "items": closed(["name"], name=TEXT, description=TEXT, default=TEXT),
        },
        resourcetemplates={"type": "array", "items": {"type": "object"}},
    ),
}


@pytest.mark.parametrize("kind", SPECS)
def test_triggers_objects_have_the_documented_fields(kind: str) -> None:
    """R8. The definitions keep every field (`x-kubernetes-preserve-unknown-fields`), so the docs are the schema."""
    found = find("platform/tekton", kind)
    assert found["apiVersion"] == "triggers.tekton.dev/v1beta1"
    jsonschema.validate(found["spec"], SPECS[kind])
