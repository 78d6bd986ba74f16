"""Labels, manifests, statuses and the watched: all that needs no cluster."""

import json
import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.domain.errors import InvalidCommand
from bot.domain.pipeline import PipelineRun, RunStatus
from bot.domain.reply import RunDetail
from bot.settings import KubernetesSettings
from bot.views.runs import run_detail
from integrations.tekton import labels, wire
from integrations.tekton.logs import printed
from integrations.tekton.manifests import Manifests
from integrations.tekton.status import failed_step, pipeline_run, run_status
from integrations.tekton.watched_runs import WatchedRuns
from tests.contract.pipelines import REQUEST
from tests.contract.specs import contract, crd_problems

LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@given(st.text(max_size=100))
def test_any_text_becomes_a_label_value(text: str) -> None:
    value = labels.label_value(text)
    assert len(value) <= 63
    assert LABEL.fullmatch(value)


@given(st.text(max_size=80), st.text(max_size=80))
def test_different_texts_have_different_labels(one: str, other: str) -> None:
    assert (labels.label_value(one) == labels.label_value(other)) == (one == other)


@given(st.text(max_size=100), st.text(max_size=50))
def test_any_request_makes_a_name_that_kubernetes_takes(prefix: str, request_id: str) -> None:
    name = labels.run_name(prefix, request_id)
    assert len(name) <= 63
    assert DNS_NAME.fullmatch(name)
    assert name == labels.run_name(prefix, request_id)


PIPELINE = wire.Pipeline(
    metadata=wire.TektonMetadata(name="ci-pipeline"),
    spec=wire.DeclaredPipeline(
        params=[
            wire.ParamSpec(name="repo-url"),
            wire.ParamSpec(name="image"),
            wire.ParamSpec(name="revision", default="main"),
            wire.ParamSpec(name="test-command", type="array", default=["./run-tests"]),
            wire.ParamSpec(name="extras", type="object", default={}),
        ],
        workspaces=[wire.WorkspaceDeclaration(name="shared"), wire.WorkspaceDeclaration(name="cache", optional=True)],
    ),
)
SETTINGS = KubernetesSettings(service_account="ci-pipeline", fs_group=1000)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_what_is_posted_is_valid_by_the_definition_of_its_version(version: str) -> None:
    """T12, T16."""
    request = replace(REQUEST, params={**REQUEST.params, "test-command": "make 'a b'", "extras": '{"a": "b"}'})
    manifest = Manifests(SETTINGS, version).run(request, PIPELINE)
    assert manifest["apiVersion"] == f"tekton.dev/{version}"
    assert crd_problems("tekton-pipeline/300-pipelinerun.yaml", version, manifest) == []
    values = {param["name"]: param["value"] for param in manifest["spec"]["params"]}
    assert values["test-command"] == ["make", "a b"]
    assert values["extras"] == {"a": "b"}
    assert [workspace["name"] for workspace in manifest["spec"]["workspaces"]] == ["shared"]
    again = Manifests(SETTINGS, version).again(
        replace(REQUEST, id="2"), {**manifest, "spec": {**manifest["spec"], "status": "Cancelled"}}
    )
    assert crd_problems("tekton-pipeline/300-pipelinerun.yaml", version, again) == []
    assert again["spec"] == manifest["spec"]
    assert again["metadata"]["annotations"][labels.RETRY_OF] == manifest["metadata"]["name"]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"image": "x"}, "needs the parameter `repo-url`"),
        ({"image": "x", "repo-url": "y", "imgae": "z"}, "has no parameter `imgae`: it has `extras`, `image`, "),
        ({"image": "x", "repo-url": "y", "extras": "[1]"}, "`extras` needs an object in JSON"),
        ({"image": "x", "repo-url": "y", "extras": "{"}, "`extras` needs an object in JSON"),
        ({"image": "x", "repo-url": "y", "test-command": "'"}, "`test-command` needs words as in a shell"),
    ],
)
def test_wrong_parameters_are_refused_before_tekton_would_fail_later(params: dict[str, str], sentence: str) -> None:
    """T12."""
    with pytest.raises(InvalidCommand, match=re.escape(sentence)):
        Manifests(SETTINGS, "v1").run(replace(REQUEST, params=params), PIPELINE)


def run(status: dict[str, Any] | None, **metadata: Any) -> wire.TektonPipelineRun:
    document = {"metadata": {"name": "r", "namespace": "ci", **metadata}, "spec": {}, "status": status}
    return msgspec.json.decode(json.dumps(document), type=wire.TektonPipelineRun)


def child(name: str, status: dict[str, Any], owner: str = "r") -> wire.TaskRun:
    document = {
        "metadata": {"name": name, "ownerReferences": [{"kind": "PipelineRun", "name": owner}]},
        "status": status,
    }
    return msgspec.json.decode(json.dumps(document), type=wire.TaskRun)


def condition(status: str, reason: str = "", message: str = "") -> list[dict[str, str]]:
    return [{"type": "Succeeded", "status": status, "reason": reason, "message": message}]


def test_a_run_just_created_has_no_status_at_all() -> None:
    """T1."""
    assert pipeline_run(run(None)).status is RunStatus.PENDING
    assert pipeline_run(run({})).status is RunStatus.PENDING
    assert pipeline_run(run({"conditions": None, "results": None, "childReferences": None})).tasks == ()


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("True", "Succeeded", RunStatus.SUCCEEDED),
        ("True", "Completed", RunStatus.SUCCEEDED),
        ("True", "SomethingNew", RunStatus.SUCCEEDED),
        ("False", "Failed", RunStatus.FAILED),
        ("False", "SomethingNew", RunStatus.FAILED),
        ("False", "Cancelled", RunStatus.CANCELLED),
        ("False", "TaskRunCancelled", RunStatus.CANCELLED),
        ("Unknown", "Cancelled", RunStatus.RUNNING),
        ("Unknown", "CancelledRunningFinally", RunStatus.RUNNING),
        ("Unknown", "PipelineRunPending", RunStatus.PENDING),
        ("Unknown", "ToBeRetried", RunStatus.RUNNING),
        ("Unknown", "SomethingNew", RunStatus.RUNNING),
    ],
)
def test_status_comes_before_reason(status: str, reason: str, expected: RunStatus) -> None:
    """T2, T3, T7."""
    assert run_status(wire.TektonCondition(type="Succeeded", status=status, reason=reason)) is expected


def step(name: str, code: int | None, reason: str = "", termination: str = "") -> dict[str, Any]:
    state = {"running": {}} if code is None else {"terminated": {"exitCode": code, "reason": reason}}
    return {"name": name, "container": f"step-{name}", "terminationReason": termination, **state}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([step("a", 0), step("b", 2), step("c", 1, termination="Skipped")], 'step "b" ended with exit code 2'),
        ([step("a", 1, termination="Continued"), step("b", 3)], 'step "b" ended with exit code 3'),
        ([step("a", 137, "OOMKilled")], 'step "a" ran out of memory'),
        ([step("a", 1, termination="TimeoutExceeded")], 'step "a" ran longer than its timeout'),
        ([step("a", 0), step("b", None)], ""),
        ([], ""),
    ],
)
def test_the_step_that_failed_is_the_first_one_that_is_to_blame(steps: list[dict[str, Any]], expected: str) -> None:
    assert failed_step(child("t", {"steps": steps}))[1] == expected


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        (
            "TaskRunTimeout",
            'TaskRun "x" failed to finish within "5m0s"',
            "Task build failed: it ran longer than its timeout",
        ),
        (
            "TaskRunImagePullFailed",
            "ImagePullBackOff",
            "Task build failed: an image could not be pulled: ImagePullBackOff",
        ),
        ("PodEvicted", "", "Task build failed: its pod was evicted from the node"),
        ("SomethingNew", "[User error]  what\nhappened", "Task build failed: what happened"),
        ("SomethingNew", "", "Task build failed: SomethingNew"),
    ],
)
def test_a_task_that_no_step_failed_is_explained_all_the_same(reason: str, message: str, expected: str) -> None:
    """T3, T4, T10: also when the pod, and with it the steps, are gone."""
    references = [{"kind": "TaskRun", "name": "r-build", "pipelineTaskName": "build"}]
    failed = run({"conditions": condition("False", "Failed", "Tasks Completed: 1"), "childReferences": references})
    told = pipeline_run(failed, [child("r-build", {"conditions": condition("False", reason, message)})])
    assert told.message == expected


@pytest.mark.parametrize("reason", ["Cancelled", "PipelineRunTimeout", "Failed", "SomethingNew"])
def test_what_goes_on_when_its_run_has_ended_is_shown_as_stopped(reason: str) -> None:
    """T20: the last event of the run comes before those of its tasks."""
    references = [{"kind": "TaskRun", "name": f"r-{n}", "pipelineTaskName": n} for n in ("a", "b", "c")]
    status = {
        "conditions": condition("False", reason),
        "pipelineSpec": {"tasks": [{"name": n} for n in ("a", "b", "c", "d")]},
        "childReferences": references,
    }
    going_on = {"conditions": condition("Unknown", "Running"), "startTime": "2026-01-05T09:00:00Z"}
    children = [
        child("r-a", {"conditions": condition("True")}),
        child("r-b", going_on),
        child("r-c", {"conditions": condition("Unknown", "")}),
    ]
    tasks = pipeline_run(run(status), children).tasks
    assert [(t.name, t.status.value, t.skipped) for t in tasks] == [
        ("a", "Succeeded", False), ("b", "Cancelled", False), ("c", "Cancelled", True), ("d", "Cancelled", True),
    ]  # fmt: skip


def test_what_the_runs_time_ended_has_failed_and_was_not_cancelled_by_anybody() -> None:
    """T20: Tekton cancels the TaskRuns of a run whose time is over; with `timeouts.tasks` it then counts failures."""
    stopped = 'TaskRun "r-a" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has timed out.'
    by_hand = 'TaskRun "r-b" was cancelled'
    references = [{"kind": "TaskRun", "name": f"r-{n}", "pipelineTaskName": n} for n in ("a", "b")]
    ended = run({"conditions": condition("False", "Failed", "Tasks Completed: 2"), "childReferences": references})
    children = [
        child("r-a", {"conditions": condition("False", "TaskRunCancelled", stopped), "steps": [step("s", 1)]}),
        child("r-b", {"conditions": condition("False", "TaskRunCancelled", by_hand)}),
    ]
    told = pipeline_run(ended, children)
    assert [task.status.value for task in told.tasks] == ["Failed", "Cancelled"]
    assert told.message == "Task a failed: it was under way when the run's time was over"


@pytest.mark.parametrize(
    ("reason", "termination", "step_of_it", "said"),
    [
        ("TaskRunTimeout", "TaskRunTimeout", "build", "longer than its timeout"),
        ("TaskRunCancelled", "TaskRunCancelled", "", "cancelled"),
        ("StepFailed", "Error", "build", "exit code 1"),
        ("StepFailed", "TimeoutExceeded", "build", "longer than its timeout"),
        ("StepFailed", "SomethingNew", "build", "SomethingNew"),
        ("SomethingNew", "Completed", "build", "exit code 1"),
    ],
)
def test_a_task_ends_for_the_reason_that_its_steps_name(
    reason: str, termination: str, step_of_it: str, said: str
) -> None:
    """T21: reasons are an open list."""
    steps = [step("build", 1, termination=termination), step("push", 1, termination=termination)]
    references = [{"kind": "TaskRun", "name": "r-b", "pipelineTaskName": "b"}]
    ended = child("r-b", {"conditions": condition("False", reason, "words of the cluster"), "steps": steps})
    (task,) = pipeline_run(
        run({"conditions": condition("False", "Failed"), "childReferences": references}), [ended]
    ).tasks
    assert (task.failed_step, said in task.message) == (step_of_it, True)


@pytest.mark.parametrize(
    ("reason", "message", "shown"),
    [
        ("PullImageFailed", 'build step "a" is pending with reason "Back-off pulling image x"', True),
        ("ExceededNodeResources", "TaskRun Pod exceeded available resources", True),
        ("ExceededResourceQuota", "exceeded quota: builds", True),
        ("CreateContainerConfigError", "secret not found", True),
        ("SomethingNew", "", True),
        ("Pending", 'pod status "PodScheduled":"False"; message: "0/3 nodes are available"', True),
        ("Pending", 'build step "a" is pending with reason "ErrImagePull"', True),
        ("Pending", 'build step "a" is pending with reason "PodInitializing"', False),
        ("Pending", 'pod status "Ready":"False"; message: "containers with unready status"', False),
        ("Started", "Not all Steps in the Task have finished executing", False),
        ("Running", "Not all Steps in the Task have finished executing", False),
        ("ToBeRetried", "", False),
    ],
)
def test_a_task_that_cannot_start_says_why_while_it_waits(reason: str, message: str, shown: bool) -> None:
    """T21."""
    references = [{"kind": "TaskRun", "name": "r-b", "pipelineTaskName": "b"}]
    waiting = child("r-b", {"conditions": condition("Unknown", reason, message)})
    told = pipeline_run(run({"conditions": condition("Unknown", "Running"), "childReferences": references}), [waiting])
    assert told.tasks[0].message == ((message or reason) if shown else "")
    card = str(run_detail(RunDetail(told)).blocks)
    assert ("cannot start" in card) is shown


@pytest.mark.parametrize("gone", ["in the watch", "between two lists"])
@pytest.mark.parametrize(("state", "told"), [("Unknown", [RunStatus.DELETED]), ("True", []), ("False", [])])
def test_a_run_that_is_deleted_before_its_end_ends_as_deleted(gone: str, state: str, told: list[RunStatus]) -> None:
    watched = WatchedRuns()
    watched.children_listed([])
    watched.runs_listed([some_run("a", state)])
    news = (
        watched.runs_listed([])
        if gone == "between two lists"
        else watched.run_changed(some_run("a", state), deleted=True)
    )
    assert [run.status for run in news] == told


def test_a_run_that_failed_before_any_task_says_so_itself() -> None:
    """T2, T4, T12."""
    sample = YAML(typ="safe").load(contract("samples/tekton.pipelinerun.status.parameter-missing.yaml").read_text())
    told = pipeline_run(run(json.loads(json.dumps(sample["status"], default=str))))
    assert told.status is RunStatus.FAILED
    assert told.message.startswith("PipelineRun default parameters is missing some parameters")
    timed_out = pipeline_run(run({"conditions": condition("False", "PipelineRunTimeout", "…")}))
    assert timed_out.message == "The run took longer than its timeout"


def test_results_are_texts_whatever_they_were() -> None:
    """T6."""
    values = [{"name": "a", "value": "x\n"}, {"name": "b", "value": ["x", "y"]}, {"name": "c", "value": {"k": "v"}}]
    for field in ("results", "pipelineResults"):
        assert pipeline_run(run({field: values})).results == {"a": "x", "b": '["x", "y"]', "c": '{"k": "v"}'}


def test_tasks_stand_in_the_order_of_the_pipeline_and_a_matrix_is_many() -> None:
    """T5."""
    status = {
        "pipelineSpec": {"tasks": [{"name": n} for n in ("a", "b", "c", "d")], "finally": [{"name": "z"}]},
        "skippedTasks": [{"name": "c", "reason": "When Expressions evaluated to false"}],
        "childReferences": [
            {"kind": "TaskRun", "name": "x2", "pipelineTaskName": "b"},
            {"kind": "TaskRun", "name": "x3", "pipelineTaskName": "b"},
            {"kind": "TaskRun", "name": "x1", "pipelineTaskName": "a"},
        ],
    }
    children = [
        child("x1", {"conditions": condition("True")}),
        child("x3", {"conditions": condition("False", "Failed")}),
    ]
    tasks = pipeline_run(run(status), children).tasks
    assert [(t.name, t.status.value, t.skipped) for t in tasks] == [
        ("a", "Succeeded", False), ("b 1/2", "Pending", False), ("b 2/2", "Failed", False),
        ("c", "Pending", True), ("d", "Pending", False), ("z", "Pending", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("succeeded", "reason", "expected"),
    [("Unknown", "Running", "Running"), ("True", "Succeeded", "Succeeded"), ("False", "Failed", "Cancelled")],
)
def test_a_custom_task_that_is_not_followed_is_as_far_as_its_run(succeeded: str, reason: str, expected: str) -> None:
    """T5: the watches follow TaskRuns, so of a CustomRun only the reference is known."""
    reference = {"kind": "CustomRun", "name": "x1", "pipelineTaskName": "approve"}
    status = {"childReferences": [reference], "conditions": condition(succeeded, reason)}
    (task,) = pipeline_run(run(status)).tasks
    assert (task.name, task.status.value) == ("approve", expected)


def test_only_steps_that_have_begun_have_a_log_and_the_status_says_where() -> None:
    """T14, T15, T22: all steps say that they run as soon as the pod does."""
    steps = [
        step("a", 0),
        step("b", None),
        {"name": "c", "container": "step-c", "waiting": {}},
        step("d", 1, termination="Skipped"),
    ]
    refs = list(printed("task", child("t", {"podName": "t-pod-retry1", "steps": steps})))
    assert [(ref.pod, ref.container) for ref in refs] == [("t-pod-retry1", "step-a"), ("t-pod-retry1", "step-b")]
    assert list(printed("task", child("t", {"podName": "", "steps": steps}))) == []


@pytest.mark.parametrize("name", ["tekton.pipelinerun.succeeded.json", "tekton.pipelinerun.running.json"])
def test_real_runs_are_read(name: str) -> None:
    told = pipeline_run(msgspec.json.decode(contract(f"samples/{name}").read_bytes(), type=wire.TektonPipelineRun))
    assert told.status in (RunStatus.SUCCEEDED, RunStatus.RUNNING)
    if told.status is RunStatus.SUCCEEDED:
        assert told.results["IMAGE_DIGEST"].startswith("sha256:")
        assert told.results["build-artifact-ARTIFACT_OUTPUTS"].startswith('{"uri"')
        assert (told.pipeline, told.duration) == ("test-pipeline", told.finished_at - told.started_at)  # type: ignore[operator]


def test_a_real_task_run_and_an_old_matrix_are_read() -> None:
    read = msgspec.json.decode(contract("samples/tekton.taskrun.succeeded.json").read_bytes(), type=wire.TaskRun)
    assert read.status is not None
    fragment = YAML(typ="safe").load(contract("samples/tekton.taskrun.status.succeeded.yaml").read_text())
    status = msgspec.convert(fragment, wire.TaskRunStatus)
    assert [(s.name, s.container) for s in status.steps or []] == [("hello", "step-hello")]
    matrix = YAML(typ="safe").load(contract("samples/tekton.pipelinerun.matrix.v1beta1.yaml").read_text())
    told = pipeline_run(msgspec.convert(json.loads(json.dumps(matrix, default=str)), wire.TektonPipelineRun))
    assert len(told.tasks) > 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["metadata", "status", "conditions", "steps", "results", "name", "x"]), inner
            )
        ),
    )
)
def test_nonsense_is_refused_by_the_wire_model_not_by_a_crash(document: Any) -> None:
    try:
        read = msgspec.json.decode(json.dumps(document), type=wire.TektonPipelineRun)
    except msgspec.ValidationError:
        return
    pipeline_run(read)


# The watched

names = st.sampled_from(["a", "b"])
states = st.sampled_from(["Unknown", "True", "False"])


def some_run(name: str, state: str) -> wire.TektonPipelineRun:
    references = [{"kind": "TaskRun", "name": f"{name}-t", "pipelineTaskName": "t"}]
    return run({"conditions": condition(state), "childReferences": references}, name=name)


def some_child(name: str, state: str) -> wire.TaskRun:
    return child(f"{name}-t", {"conditions": condition(state)}, owner=name)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("run"), names, states),
        st.tuples(st.just("child"), names, states),
        st.tuples(st.just("run gone"), names, states),
        st.tuples(st.just("child gone"), names, states),
        st.tuples(st.just("relist"), names, states),
    ),
    max_size=30,
)


@given(steps)
def test_the_board_tells_every_change_once_and_ends_up_with_the_truth(script: list[tuple[str, str, str]]) -> None:
    """K1, K2: whatever the order of two watches, and however often the lists come again."""
    runs: dict[str, wire.TektonPipelineRun] = {}
    children: dict[str, wire.TaskRun] = {}
    watched = WatchedRuns()
    assert watched.runs_listed([]) == watched.children_listed([]) == []
    last: dict[str, PipelineRun] = {}
    for what, name, state in script:
        news: list[PipelineRun] = []
        if what == "run":
            runs[name] = some_run(name, state)
            news = watched.run_changed(runs[name])
        elif what == "child":
            children[name] = some_child(name, state)
            news = watched.child_changed(children[name])
        elif what == "run gone" and name in runs:
            going_on = not last[name].done
            news = watched.run_changed(runs.pop(name), deleted=True)
            assert [told.status for told in news] == [RunStatus.DELETED] * going_on
            news = []
            last.pop(name, None)
        elif what == "child gone" and name in children:
            news = watched.child_changed(children.pop(name), deleted=True)
        elif what == "relist":
            news = [*watched.runs_listed(runs.values()), *watched.children_listed(children.values())]
            assert news == []
        for told in news:
            assert told != last.get(told.name)
            last[told.name] = told
        truth = {key: pipeline_run(value, [children[key]] if key in children else []) for key, value in runs.items()}
        assert last == truth


@given(st.permutations(["runs", "children"]))
def test_nothing_is_told_before_both_kinds_were_listed(order: list[str]) -> None:
    watched = WatchedRuns()
    for index, kind in enumerate(order):
        if kind == "runs":
            news = watched.runs_listed([some_run("a", "Unknown")])
        else:
            news = watched.children_listed([some_child("a", "True")])
        assert len(news) == index
    assert news[0].tasks[0].status is RunStatus.SUCCEEDED


def test_a_run_that_vanished_between_two_lists_may_come_again() -> None:
    watched = WatchedRuns()
    watched.children_listed([])
    assert len(watched.runs_listed([some_run("a", "True")])) == 1
    assert watched.runs_listed([]) == []
    assert len(watched.runs_listed([some_run("a", "True")])) == 1
