"""Argo CD's words become the domain's; nothing that it may send breaks the reading."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.domain.application import HealthStatus, OperationPhase, SyncStatus
from bot.domain.errors import Refused
from bot.domain.source import OverlayBranch, Source
from integrations.argocd import convert, wire
from integrations.argocd.drift import drifts
from integrations.argocd.resources import unhealthy
from integrations.argocd.stream import events
from integrations.argocd.windows import permission
from integrations.http.answer import decode
from tests.contract.applications import settled_at
from tests.contract.specs import contract

BASE = "https://argocd.example.com/"
NOW = "2026-01-05T09:00:00Z"
LATER = "2026-01-05T09:00:30Z"


def read(document: dict[str, Any]) -> wire.ArgoApplication:
    return decode(json.dumps(document), wire.ArgoApplication, "Argo CD", "read")


def app(status: dict[str, Any] | None = None, **rest: Any) -> wire.ArgoApplication:
    return read({"metadata": {"name": "my-app-production", "namespace": "argocd"}, "status": status, **rest})


def sample(name: str) -> dict[str, Any]:
    loaded = YAML(typ="safe", pure=True).load(contract(f"samples/{name}").read_text())
    return json.loads(json.dumps(loaded, default=str))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "name",
    [
        "argocd.application.operation-succeeded.yaml",
        "argocd.application.nested.yaml",
        "argocd.application.spec-reference.yaml",
    ],
)
def test_every_sample_of_an_application_is_read(name: str) -> None:
    document = sample(name)
    found = convert.application(read(document), "production", BASE)
    assert found.ref.name == document["metadata"]["name"]
    assert found.ref.project == document["spec"]["project"]
    assert found.url == f"{BASE}applications/{document['metadata']['namespace']}/{found.ref.name}"


def test_the_sample_of_a_succeeded_operation_is_read_to_its_end() -> None:
    """A18, A20."""
    found = convert.application(read(sample("argocd.application.operation-succeeded.yaml")), "production", BASE)
    assert (found.sync, found.health) == (SyncStatus.SYNCED, HealthStatus.HEALTHY)
    assert found.operation is not None
    assert found.operation.phase is OperationPhase.SUCCEEDED
    assert [entry.id for entry in found.history] == list(range(14, 24))
    assert found.images
    assert not found.auto_sync


@pytest.mark.parametrize(
    ("initiator", "by"),
    [
        ('{"username": "mia"}', "mia"),
        ('{"automated": true}', ""),
        ('{"username": "mia", "automated": true}', ""),
        ("{}", ""),
        ("null", ""),
    ],
)
def test_who_asked_for_a_sync_is_told_unless_argo_cd_did_it_by_itself(initiator: str, by: str) -> None:
    state = f'{{"phase": "Succeeded", "operation": {{"sync": {{}}, "initiatedBy": {initiator}}}}}'
    found = convert.operation(None, msgspec.json.decode(state, type=wire.OperationState))
    assert found is not None
    assert found.by == by


async def test_the_sample_of_the_stream_is_read() -> None:
    """A9."""
    lines = contract("samples/argocd.stream.applications.derived.ndjson").read_bytes().splitlines()

    async def each() -> Any:
        for line in lines:
            yield line

    found = [event async for event in events(each())]
    assert [(event.type, event.application.metadata.name) for event in found] == [
        ("ADDED", "velero-test"),
        ("MODIFIED", "velero-test"),
    ]


def test_an_operation_that_was_only_asked_for_hides_the_one_before() -> None:
    """A14."""
    status = {"operationState": {"phase": "Succeeded", "startedAt": NOW, "finishedAt": NOW}}
    found = convert.application(app(status, operation={"sync": {"revision": "abc"}}), "production", BASE).operation
    assert found is not None
    assert (found.pending, found.finished, found.revision) == (True, False, "abc")


def test_an_operation_that_runs_is_the_state() -> None:
    status = {"operationState": {"phase": "Running", "startedAt": NOW, "operation": {"sync": {"revision": "abc"}}}}
    found = convert.application(app(status, operation={"sync": {"revision": "abc"}}), "production", BASE).operation
    assert found is not None
    assert (found.phase, found.pending, found.retrying) == (OperationPhase.RUNNING, False, False)


def test_running_with_a_finish_time_waits_for_its_retry() -> None:
    """A16."""
    status = {"operationState": {"phase": "Running", "startedAt": NOW, "finishedAt": NOW, "retryCount": 1}}
    found = convert.application(app(status), "production", BASE).operation
    assert found is not None
    assert found.retrying
    assert not found.finished


@pytest.mark.parametrize(
    ("reconciled", "revision", "settled"),
    [(LATER, "abc", True), (NOW, "abc", False), (None, "abc", False), (LATER, "other", False)],
)
def test_settled_only_after_the_reconcile_that_follows_the_operation(
    reconciled: str | None, revision: str, settled: bool
) -> None:
    """A19."""
    status = {
        "sync": {"status": "Synced", "revision": revision},
        "health": {"status": "Healthy"},
        "reconciledAt": reconciled,
        "operationState": {"phase": "Succeeded", "startedAt": NOW, "finishedAt": "2026-01-05T09:00:10Z"},
    }
    assert settled_at(convert.application(app(status), "production", BASE), "abc") is settled


def test_words_of_a_newer_argo_cd_are_unknown_and_no_error() -> None:
    """A18."""
    status = {"sync": {"status": "Perhaps"}, "health": {"status": ""}, "operationState": {"phase": "Dreaming"}}
    found = convert.application(app(status), "production", BASE)
    assert (found.sync, found.health) == (SyncStatus.UNKNOWN, HealthStatus.UNKNOWN)
    assert found.operation is not None
    assert not found.operation.finished


def test_conditions_are_told() -> None:
    """A18: a ComparisonError leaves the sync status Unknown."""
    status = {"conditions": [{"type": "ComparisonError", "message": "cannot build manifests"}]}
    assert convert.application(app(status), "production", BASE).conditions == (
        "ComparisonError: cannot build manifests",
    )


OURS = OverlayBranch(("https://git.example.com/overlays.git",), "main")
CHART = {"repoURL": "https://charts.example.com", "chart": "web", "targetRevision": "1.2.3"}
VALUES = {"repoURL": "git@git.example.com:Overlays.git", "ref": "values", "targetRevision": "main"}
OVERLAY = {"repoURL": "git@git.example.com:overlays.git", "path": "apps/web/overlays/production"}


@pytest.mark.parametrize(
    ("sources", "ours"),
    [
        ([CHART, OVERLAY], "two"),
        ([OVERLAY, CHART], "one"),
        ([VALUES, OVERLAY], "two"),
        ([{**OVERLAY, "targetRevision": "v1"}, OVERLAY], "two"),
        ([CHART, CHART], "one"),
        ([], "one"),
    ],
)
def test_of_several_sources_the_overlay_repositorys_revision_is_told(sources: list[Any], ours: str) -> None:
    """A20."""
    both = {"revisions": ["one", "two"]}
    status = {
        "sync": {"status": "Synced", **both},
        "history": [{"id": 3, "revision": "", **both}],
        "operationState": {"phase": "Succeeded", "operation": {"sync": both}, "syncResult": {"revision": "", **both}},
    }
    found = convert.application(app(status, spec={"sources": sources}), "production", BASE, overlays=OURS)
    assert found.operation
    assert (found.revision, found.operation.revision, found.history[0].revision) == (ours, ours, ours)
    requested = app({"sync": both}, spec={"sources": sources}, operation={"sync": both})
    asked = convert.application(requested, "production", BASE, overlays=OURS).operation
    assert asked
    assert asked.revision == ours


def test_a_revision_that_is_not_told_is_not_another_ones() -> None:
    found = convert.application(app({"sync": {"revisions": ["1.2.3"]}}, spec={"sources": [CHART, OVERLAY]}), "", BASE)
    assert found.revision == "1.2.3"
    ours = convert.application(
        app({"sync": {"revisions": ["1.2.3"]}}, spec={"sources": [CHART, OVERLAY]}), "", BASE, overlays=OURS
    )
    assert ours.revision == ""


def test_sources_are_read_in_each_of_the_three_ways() -> None:
    """`sources` hides `source`; a hydrated Application is synced from the hydrator's branch."""

    def read_sources(**spec: Any) -> tuple[Source, ...]:
        return convert.application(app(spec=spec), "production", BASE).sources

    assert read_sources(source=OVERLAY) == (Source(OVERLAY["repoURL"], OVERLAY["path"]),)
    chart = Source(CHART["repoURL"], revision="1.2.3", chart="web")
    assert read_sources(source=OVERLAY, sources=[CHART]) == (chart,)
    overriding = {**OVERLAY, "kustomize": {"images": ["web:v9"]}}
    assert read_sources(source=overriding)[0].images == ("web:v9",)
    assert read_sources(source={**OVERLAY, "directory": {}})[0].plain
    dry, synced = {**OVERLAY, "targetRevision": "main"}, {"targetBranch": "env/prod", "path": "web"}
    hydrated = read_sources(source=OVERLAY, sourceHydrator={"drySource": dry, "syncSource": synced})
    assert hydrated == (Source(OVERLAY["repoURL"], "web", "env/prod"),)
    assert read_sources() == ()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, False),
        ({}, False),
        ({"automated": None}, False),
        ({"automated": {}}, True),
        ({"automated": {"enabled": False}}, False),
        ({"automated": {"enabled": True, "prune": True}}, True),
    ],
)
def test_automated_sync(policy: dict[str, Any] | None, expected: bool) -> None:
    assert convert.application(app(spec={"syncPolicy": policy}), "production", BASE).auto_sync is expected


def test_an_empty_list_may_be_null() -> None:
    """A7."""
    assert decode(b'{"items":null}', wire.RawList, "Argo CD", "list").items is None
    nothing = {"history": None, "conditions": None, "resources": None, "summary": {"images": None}}
    assert convert.application(app(nothing), "production", BASE).images == ()


def test_numbers_are_numbers() -> None:
    """A6."""
    with pytest.raises(Refused):
        app({"history": [{"id": "7"}]})


def test_the_health_of_resources_comes_from_the_tree() -> None:
    """A21, A22: the Application's own entries have none; what is missing is in no tree."""
    read_app = app(
        {
            "resources": [
                {"kind": "Deployment", "name": "my-app", "group": "apps", "namespace": "my-app", "status": "Synced"},
                {"kind": "Service", "name": "my-app", "namespace": "my-app", "health": {"status": "Missing"}},
            ]
        }
    )
    tree = decode(
        json.dumps(
            {
                "nodes": [
                    {"kind": "Pod", "name": "my-app-1", "namespace": "my-app", "health": {"status": "Progressing"}},
                    {
                        "kind": "Deployment",
                        "name": "my-app",
                        "group": "apps",
                        "namespace": "my-app",
                        "health": {"status": "Degraded", "message": "exceeded its progress deadline"},
                    },
                    {"kind": "ConfigMap", "name": "my-app", "namespace": "my-app"},
                    {"kind": "ReplicaSet", "name": "my-app-1", "namespace": "my-app", "health": {"status": "Healthy"}},
                ]
            }
        ),
        wire.ResourceTree,
        "Argo CD",
        "read",
    )
    found = [(r.kind, r.health, r.message) for r in unhealthy(read_app, tree)]
    assert found == [
        ("Deployment", HealthStatus.DEGRADED, "exceeded its progress deadline"),
        ("Service", HealthStatus.MISSING, ""),
        ("Pod", HealthStatus.PROGRESSING, ""),
    ]


def test_what_admission_denied_is_told_with_its_words() -> None:
    """C13: a denial shows as SyncFailed of that resource."""
    denied = 'admission webhook "policy.sigstore.dev" denied the request: validation failed'
    result = {"kind": "Deployment", "name": "my-app", "group": "apps", "status": "SyncFailed", "message": denied}
    applied = {"kind": "Service", "name": "my-app", "status": "Synced", "message": "service/my-app unchanged"}
    status = {"operationState": {"phase": "Failed", "syncResult": {"resources": [result, applied]}}}
    (found,) = unhealthy(app(status), wire.ResourceTree())
    assert (found.kind, found.message) == ("Deployment", denied)


DENY = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h"}
DENY_BUT_PEOPLE = {**DENY, "manualSync": True}
ALLOW = {"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h"}
ALLOW_OR_PEOPLE = {**ALLOW, "manualSync": True}
EARLY = {"kind": "allow", "schedule": "0 4 * * *", "duration": "1h"}


@pytest.mark.parametrize(
    ("can_sync", "active", "assigned", "manual", "automated"),
    [
        (True, [], [], "", ""),
        (None, [], [], "does not allow", "does not allow"),
        (False, [DENY], [DENY], 'deny window is active, "0 22 * * *" for 8h', 'deny window is active, "0 22'),
        (True, [DENY_BUT_PEOPLE], [DENY_BUT_PEOPLE], "", "deny window is active"),
        (True, [], [DENY_BUT_PEOPLE], "", ""),
        (False, [DENY, DENY_BUT_PEOPLE], [DENY, DENY_BUT_PEOPLE], "deny window is active", "deny window is active"),
        (True, [ALLOW], [ALLOW, EARLY], "", ""),
        (False, [], [ALLOW, EARLY], "no allow window is active", '"0 9 * * 1-5" for 8h, "0 4 * * *" for 1h'),
        (True, [], [ALLOW_OR_PEOPLE], "", "no allow window is active"),
        (False, [], [ALLOW_OR_PEOPLE, ALLOW], "no allow window is active", "no allow window is active"),
        (False, [ALLOW, DENY], [ALLOW, DENY], "deny window is active", "deny window is active"),
        (True, [ALLOW, DENY_BUT_PEOPLE], [ALLOW, DENY_BUT_PEOPLE], "", "deny window is active"),
        (True, [{**DENY, "kind": "hold"}], [], "", "deny window is active"),
        (False, [], [DENY], "does not allow", "does not allow"),
    ],
)
def test_windows_are_told_for_the_sync_that_will_happen(
    can_sync: bool | None, active: list[Any], assigned: list[Any], manual: str, automated: str
) -> None:
    """A23, A30: `canSync` is of a manual sync; an automated one waits in what lets people through."""
    answer = {"canSync": can_sync, "activeWindows": active or None, "assignedWindows": assigned or None}
    windows = msgspec.convert(answer, wire.Windows)
    for found, words in (
        (permission(windows, automated=False), manual),
        (permission(windows, automated=True), automated),
    ):
        assert found.allowed is not bool(words)
        assert words in found.reason
        assert ("time zone" in found.reason) is ("window is active" in words or '" for ' in words)


def test_states_are_json_in_a_string_and_may_be_null() -> None:
    """A21."""
    resources = {
        "items": [
            {"kind": "Service", "name": "gone", "liveState": "null", "targetState": '{"a":1}'},
            {"kind": "Service", "name": "surplus", "liveState": '{"a":1}', "targetState": "null"},
            {"kind": "Job", "name": "hook", "hook": True, "liveState": "null", "targetState": '{"a":1}'},
            {
                "kind": "Service",
                "name": "changed",
                "liveState": "{}",
                "targetState": "{}",
                "normalizedLiveState": '{"spec":{"replicas":1,"ports":[1,2]}}',
                "predictedLiveState": '{"spec":{"replicas":2,"ports":[1,3]}}',
            },
        ]
    }
    found = drifts(msgspec.convert(resources, wire.ManagedResources), "read")
    assert [(d.name, d.missing, d.surplus) for d in found] == [
        ("gone", True, False),
        ("surplus", False, True),
        ("changed", False, False),
    ]
    assert [(d.path, d.live, d.target) for d in found[2].differences] == [
        ("spec.replicas", "1", "2"),
        ("spec.ports[1]", "2", "3"),
    ]


def test_subscriptions_are_read_from_annotations() -> None:
    """As Argo CD's notifications read them: a trigger, a service, and recipients with semicolons between."""
    begin = "notifications.argoproj.io/subscribe"
    notes = {
        f"{begin}.on-sync-failed.slack": "my-team; other ;;",
        f"{begin}.on-deployed.email": "ana@example.com",
        f"{begin}.slack": "everything",
        f"{begin}.on-deployed.slack.x": "no",
        "example.com/subscribe.on-deployed.slack": "no",
        f"{begin}.mine.slack": "C0TEAM",
    }
    assert convert.subscribed(notes) == (("on-sync-failed", "my-team"), ("on-sync-failed", "other"), ("mine", "C0TEAM"))
    found = decode(
        json.dumps({"metadata": {"name": "x", "annotations": notes}}), wire.ArgoApplication, "Argo CD", "read"
    )
    assert convert.application(found, "production", BASE).subscribed == convert.subscribed(notes)


def live(**more: Any) -> str:
    """A Deployment that kubectl-set has changed after Argo CD had applied it."""
    template = {"spec": {"containers": [{"name": "side", "image": "side:1"}, {"name": "my-app", "image": "my-app:2"}]}}
    containers: dict[str, Any] = {
        'k:{"name":"my-app"}': {".": {}, "f:name": {}},
        'k:{"name":"side"}': {".": {}, "f:image": {}},
    }
    pods = {"f:spec": {"f:containers": containers}}
    everything: dict[str, Any] = {"f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": pods}}
    image: dict[str, Any] = {
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"my-app"}': {"f:image": {}}}}}}
    }
    fields = [
        {"manager": "argocd-controller", "operation": "Update", "time": "2026-01-05T10:00:00Z", "fieldsV1": everything},
        {"manager": "kubectl-set", "operation": "Update", "time": "2026-01-05T11:00:00Z", "fieldsV1": image},
        {"manager": "old", "operation": "Update", "time": "2026-01-04T11:00:00Z", "fieldsV1": image},
    ]
    return json.dumps(
        {"kind": "Deployment", "metadata": {"name": "my-app", "managedFields": fields, "generation": 4},
         "spec": {"replicas": 2, "selector": {"app": "x"}, "template": template, **more}}
    )  # fmt: skip


def drifted(live_state: str, **target: Any) -> list[tuple[str, str, str]]:
    wanted = json.loads(live_state)
    wanted["metadata"] = {"name": "my-app"}
    wanted["spec"] = {**wanted["spec"], **target}
    item = {"kind": "Deployment", "name": "my-app", "liveState": live_state, "targetState": json.dumps(wanted)}
    found = drifts(msgspec.convert({"items": [item]}, wire.ManagedResources), "read")
    return [(d.path, d.manager, f"{d.at:%H:%M}" if d.at else "") for one in found for d in one.differences]


def test_who_wrote_a_field_last_is_told_by_the_live_state() -> None:
    """A21; what Kubernetes keeps for itself is no difference."""
    template = {"spec": {"containers": [{"name": "side", "image": "side:1"}, {"name": "my-app", "image": "my-app:1"}]}}
    assert drifted(live()) == []
    path = "spec.template.spec.containers[my-app].image"
    assert drifted(live(), template=template) == [(path, "kubectl-set", "11:00")]
    assert drifted(live(), replicas=3) == [("spec.replicas", "argocd-controller", "10:00")]
    assert drifted(live(), selector={"app": "y"}) == [("spec.selector.app", "argocd-controller", "10:00")]
    assert drifted(live(paused=True), paused=False) == [("spec.paused", "", "")]
    assert drifted(live(), paused=True) == [("spec.paused", "", "")]


def test_items_that_have_names_are_compared_by_them() -> None:
    """Another variable in front makes no difference of the ones behind it; a secret stands behind its name."""
    one, other = {"name": "A", "value": "1"}, {"name": "DB_PASSWORD", "value": "hunter2"}
    state = {"env": [other, one], "ports": [{"port": 1}]}
    item = {"kind": "X", "name": "x", "liveState": json.dumps(state),
            "targetState": json.dumps({"env": [one, {"name": "B", "valueFrom": {}}], "ports": []})}  # fmt: skip
    (found,) = drifts(msgspec.convert({"items": [item]}, wire.ManagedResources), "read")
    assert [(d.path, d.live, d.target) for d in found.differences] == [
        ("env[DB_PASSWORD]", "DB_PASSWORD=hunter2", "(absent)"),
        ("env[B]", "(absent)", '{"name": "B", "valueFrom": {}}'),
        ("ports", '[{"port": 1}]', "[]"),
    ]


def test_a_difference_behind_an_ignored_item_has_its_own_name_and_writer() -> None:
    """A21: what ignoreDifferences leaves out of the normalized state still stands in the live one."""
    injected, ours = {"name": "injected", "image": "mesh:1"}, {"name": "my-app", "image": "my-app:9"}
    owned = [
        {"manager": manager, "fieldsV1": {"f:spec": {"f:containers": {f'k:{{"name":"{name}"}}': {"f:image": {}}}}}}
        for manager, name in (("mesh", "injected"), ("kubectl-set", "my-app"))
    ]
    raw = {"metadata": {"managedFields": owned}, "spec": {"containers": [injected, ours]}}
    wanted = {"metadata": {}, "spec": {"containers": [{**ours, "image": "my-app:1"}]}}
    normalized = {"metadata": {}, "spec": {"containers": [ours]}}
    states = {"liveState": raw, "normalizedLiveState": normalized, "targetState": wanted}
    item = {"kind": "X", "name": "x", **{key: json.dumps(each) for key, each in states.items()}}
    (found,) = drifts(msgspec.convert({"items": [item]}, wire.ManagedResources), "read")
    assert [(d.path, d.manager) for d in found.differences] == [("spec.containers[my-app].image", "kubectl-set")]


def test_a_value_never_stands_behind_the_name_of_another_item() -> None:
    """What is a secret is known by its name: where names are there twice, items are compared by their places."""
    one, secret = {"name": "A", "value": "1"}, {"name": "DB_PASSWORD", "value": "hunter2"}
    states = {"liveState": {"env": [one, one]}, "targetState": {"env": [one, secret]}}
    item = {"kind": "X", "name": "x", **{key: json.dumps(each) for key, each in states.items()}}
    (found,) = drifts(msgspec.convert({"items": [item]}, wire.ManagedResources), "read")
    assert [(d.path, d.live, d.target) for d in found.differences] == [("env[A]", "A=1", "DB_PASSWORD=hunter2")]


@pytest.mark.parametrize(
    "fields",
    [
        "none",
        [{"manager": 1}],
        [{"manager": "x", "fieldsV1": {"f:spec": {"k:{": {}}}}],
        [{"manager": "x", "fieldsV1": {"f:spec": None}}],
        [{"manager": "x", "time": "yesterday", "fieldsV1": {"f:spec": {}}}],
    ],
)
def test_managed_fields_that_cannot_be_read_tell_nothing(fields: Any) -> None:
    state = json.loads(live())
    state["metadata"]["managedFields"] = fields
    assert drifted(json.dumps(state), replicas=3) == [("spec.replicas", "", "")]


FIELDS = st.sampled_from(["f:spec", ".", 'k:{"name":"a"}', "v:1", "i:0", "name"])
field_sets = st.recursive(
    st.none() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
)


@given(field_sets)
def test_no_managed_field_breaks_the_explanation(fields: Any) -> None:
    state = {"metadata": {"managedFields": [{"manager": "x", "fieldsV1": fields}]}, "spec": [{"name": "a"}, "1"]}
    item = {
        "kind": "X",
        "name": "x",
        "liveState": json.dumps(state),
        "targetState": '{"metadata": {}, "spec": [{"name": "b"}, "2"]}',
    }
    assert len(drifts(msgspec.convert({"items": [item]}, wire.ManagedResources), "read")[0].differences) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
KNOWN = ("metadata", "spec", "status", "name", "sync", "health", "operationState", "history", "resources", "revision",
         "phase", "startedAt", "syncResult", "items", "nodes", "result", "error", "application", "type")  # fmt: skip
shaped = st.recursive(
    json_values, lambda inner: st.dictionaries(st.sampled_from(KNOWN), inner, max_size=6), max_leaves=20
)
MODELS = [
    wire.ArgoApplication,
    wire.RawList,
    wire.ResourceTree,
    wire.ManagedResources,
    wire.Windows,
    wire.WatchFrame,
    wire.ArgoErrorBody,
]


@pytest.mark.parametrize("model", MODELS)
@given(st.one_of(shaped.map(lambda value: json.dumps(value).encode()), st.binary(max_size=50)))
def test_whatever_comes_is_read_or_refused(model: type[Any], body: bytes) -> None:
    try:
        found = decode(body, model, "Argo CD", "read")
    except Refused:
        return
    if isinstance(found, wire.ArgoApplication):
        assert convert.application(found, "production", BASE).settled in (True, False)
        unhealthy(found, wire.ResourceTree())
    elif isinstance(found, wire.ResourceTree):
        unhealthy(wire.ArgoApplication(wire.ArgoMetadata()), found)
    elif isinstance(found, wire.Windows):
        permission(found, automated=True)


def test_moments_have_a_zone() -> None:
    found = app({"reconciledAt": "2026-01-05T10:00:00+01:00"})
    assert found.status is not None
    assert found.status.reconciled_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
    with pytest.raises(Refused):
        app({"reconciledAt": "2026-01-05T10:00:00"})


def test_the_cause_comes_before_its_symptoms() -> None:
    """A33: the Pod knows why; the Deployment only that its progress deadline has passed."""
    group = {"namespace": "my-app"}
    deployment = {"kind": "Deployment", "name": "my-app", "group": "apps", **group}
    replicas = {"kind": "ReplicaSet", "name": "my-app-1", "group": "apps", **group}
    nodes = [
        {**deployment, "health": {"status": "Degraded", "message": "exceeded its progress deadline"}},
        {**replicas, "health": {"status": "Progressing"}, "parentRefs": [deployment]},
        {
            **{"kind": "Pod", "name": "my-app-1-x", **group},
            "health": {"status": "Degraded", "message": "Back-off pulling image"},
            "parentRefs": [replicas],
        },
    ]
    tree = decode(json.dumps({"nodes": nodes}), wire.ResourceTree, "Argo CD", "read")
    sick = unhealthy(app({}), tree)
    assert (sick[0].kind, sick[0].message) == ("Pod", "Back-off pulling image")


def test_refusals_of_an_older_commit_explain_nothing() -> None:
    """A29."""
    refused = {"kind": "Deployment", "name": "my-app", "status": "SyncFailed", "message": "denied"}
    status: dict[str, Any] = {
        "sync": {"status": "Synced", "revision": "new"},
        "operationState": {"phase": "Failed", "syncResult": {"revision": "old", "resources": [refused]}},
    }
    assert unhealthy(app(status), wire.ResourceTree()) == ()
    status["sync"]["revision"] = "old"
    assert [one.message for one in unhealthy(app(status), wire.ResourceTree())] == ["denied"]


def test_hooks_and_drift_are_named() -> None:
    """A33."""
    hook = {"kind": "Job", "name": "migrate", "status": "Synced", "hookType": "PreSync", "hookPhase": "Failed"}
    status = {
        "operationState": {"phase": "Failed", "syncResult": {"resources": [{**hook, "message": "column exists"}]}},
        "resources": [
            {"kind": "ConfigMap", "name": "settings", "status": "OutOfSync"},
            {"kind": "Service", "name": "old", "status": "OutOfSync", "requiresPruning": True},
            {"kind": "Deployment", "name": "my-app", "status": "Synced"},
        ],
    }
    found = convert.application(app(status), "production", BASE)
    assert found.operation is not None
    assert [str(one) for one in found.operation.failures] == ["PreSync hook Job migrate is Failed: column exists"]
    assert (found.out_of_sync, found.to_prune) == (("ConfigMap settings", "Service old"), ("Service old",))
