"""Every object of every kustomization, as rendered, against the real definitions."""

import copy

import pytest

from tests.unit.deploy.manifests import find, kustomizations, label, objects
from tests.unit.deploy.strict_schema import mistakes


@pytest.mark.parametrize("directory", kustomizations())
def test_every_object_is_valid_and_has_no_unknown_field(directory: str) -> None:
    faults = {label(o): found for o in objects(directory) if (found := mistakes(o))}
    assert not faults


@pytest.mark.parametrize("directory", kustomizations())
def test_no_object_is_there_twice(directory: str) -> None:
    names = [(o["apiVersion"], label(o)) for o in objects(directory)]
    assert len(names) == len(set(names))


def test_the_validator_sees_an_unknown_field_of_a_custom_resource() -> None:
    """A structural schema would let it pass, and the cluster would drop it in silence (K5)."""
    pipeline = find("platform/tekton", "Pipeline")
    pipeline["spec"]["tasks"][0]["timeOut"] = "5m"
    assert any("timeOut" in m for m in mistakes(pipeline))


def test_the_validator_sees_a_wrong_type_in_a_custom_resource() -> None:
    application_set = find("platform/argocd", "ApplicationSet")
    application_set["spec"]["template"]["spec"]["revisionHistoryLimit"] = "ten"
    assert any("revisionHistoryLimit" in m for m in mistakes(application_set))


def test_the_validator_sees_an_unserved_version() -> None:
    """E1: v1beta1 of ExternalSecret is in the definition, but no longer served."""
    external = find("platform/secrets/bot", "ExternalSecret")
    external["apiVersion"] = "external-secrets.io/v1beta1"
    with pytest.raises(AssertionError, match="not served"):
        mistakes(external)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda spec: spec["template"]["spec"]["containers"][0].update(livenesProbe={}), "livenesProbe"),
        (lambda spec: spec["template"]["spec"]["containers"][0].update(image=1), "image"),
        (lambda spec: spec.update(replicas="1"), "replicas"),
        (lambda spec: spec.pop("selector"), "selector"),
    ],
)
def test_the_validator_sees_faults_of_a_built_in_kind(change: object, named: str) -> None:
    stateful_set = copy.deepcopy(find("bot/overlays/single", "StatefulSet"))
    assert not mistakes(stateful_set)
    change(stateful_set["spec"])  # type: ignore[operator]
    assert any(named in m for m in mistakes(stateful_set))
