"""Namespaces that Argo CD makes or changes: their labels keep what they promise. The policy's own CEL is evaluated."""

from typing import Any

import cel
import pytest
import yaml

from tests.unit.deploy.manifests import DEPLOY

GOOD = {"policy.sigstore.dev/include": "true", "pod-security.kubernetes.io/enforce": "restricted"}
VERSION = "pod-security.kubernetes.io/enforce-version"


def policy() -> dict[str, Any]:
    text = (DEPLOY / "platform/policy/app-namespaces.yaml").read_text()
    return next(d for d in yaml.safe_load_all(text) if d["kind"] == "ValidatingAdmissionPolicy")["spec"]  # type: ignore[no-any-return]


def admitted(labels: dict[str, str]) -> bool:
    context = cel.Context()
    context.add_variable("variables", {"labels": labels})
    return all(cel.evaluate(rule["expression"], context) is True for rule in policy()["validations"])


@pytest.mark.parametrize(
    ("labels", "good"),
    [
        (GOOD, True),
        (GOOD | {VERSION: "latest"}, True),
        (GOOD | {VERSION: "v1.0"}, False),
        (GOOD | {VERSION: "v1.24"}, False),
        (GOOD | {VERSION: ""}, False),
        (GOOD | {"pod-security.kubernetes.io/enforce": "baseline"}, False),
        (GOOD | {"policy.sigstore.dev/include": "false"}, False),
        ({"pod-security.kubernetes.io/enforce": "restricted"}, False),
        ({}, False),
    ],
)
def test_a_namespace_cannot_weaken_what_its_labels_promise(labels: dict[str, str], good: bool) -> None:
    """K7: an old version of "restricted" forbids less."""
    assert admitted(labels) is good
