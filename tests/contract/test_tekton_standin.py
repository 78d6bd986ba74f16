"""The sandbox's Tekton, by its wire facts, asked by the official client; every state is held against the CRDs."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes.aio.client.exceptions import ApiException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.kubernetes.controller import Build, Checkout, Hooks, Source
from integrations.sandbox.serving import serve
from tests.contract.specs import load
from tests.contract.tekton_world import GROUP, TektonWorld, condition, tekton

Json = dict[str, Any]


@pytest.fixture
async def world() -> AsyncIterator[TektonWorld]:
    async with tekton() as found:
        yield found


def refusal(error: pytest.ExceptionInfo[ApiException]) -> tuple[int | None, str]:
    return error.value.status, json.loads(error.value.body or "")["message"]


def outcome(run: Json) -> tuple[str, str]:
    found = condition(run)
    return found["status"], found["reason"]


async def test_a_run_goes_from_no_status_to_succeeded(world: TektonWorld) -> None:
    """T1, T2, T4."""
    before = world.server.store.version
    assert "status" not in await world.start()
    run = await world.done()
    assert outcome(run) == ("True", "Succeeded")
    assert condition(run)["message"] == "Tasks Completed: 4 (Failed: 0, Cancelled 0), Skipped: 0"
    assert run["status"]["completionTime"]
    changes = [c.object for c in world.server.store.changes_since(before) if c.key.name == "run-1"]
    reasons = [condition(change).get("reason", "") for change in changes]
    assert list(dict.fromkeys(reasons)) == ["", "Started", "Running", "Succeeded"]


async def test_children_are_referenced_as_they_are_made_and_results_are_collected(world: TektonWorld) -> None:
    """T5, T6."""
    await world.start()
    first = await world.until(lambda run: bool(run.get("status", {}).get("childReferences")))
    assert [child["pipelineTaskName"] for child in first["status"]["childReferences"]] == ["fetch-source"]
    run = await world.done()
    children = [child["pipelineTaskName"] for child in run["status"]["childReferences"]]
    assert children == ["fetch-source", "run-tests", "build-push", "tidy"]
    results = {result["name"]: result["value"] for result in run["status"]["results"]}
    assert results["digest"].startswith("sha256:")
    assert len(results["commit"]) == 40
    assert not {"taskRuns", "runs"} & set(run["status"])


async def test_names_of_children_are_hashed_beyond_63_characters(world: TektonWorld) -> None:
    """T5."""
    name = "a-run-with-a-name-that-goes-on-and-on-until-it-fills-all-there-is"[:60]
    await world.start(name)
    run = await world.done(name)
    names = [child["name"] for child in run["status"]["childReferences"]]
    assert all(len(child) <= 63 for child in names)
    assert len(set(names)) == 4


async def test_a_failing_step_fails_the_run_and_says_why(world: TektonWorld) -> None:
    """T2, T3, T6: StepFailed; the rest is skipped, finally runs, no result of what did not run."""
    world.faults.set({"failing_step": "run-tests"})
    await world.start()
    run = await world.done()
    assert outcome(run) == ("False", "Failed")
    assert [(s["name"], s["reason"]) for s in run["status"]["skippedTasks"]] == [
        ("build-push", "PipelineRun was stopping")
    ]
    assert [result["name"] for result in run["status"]["results"]] == ["commit"]
    assert "tidy" in [child["pipelineTaskName"] for child in run["status"]["childReferences"]]
    task = await world.get("run-1-run-tests", "taskruns")
    assert outcome(task) == ("False", "StepFailed")
    codes = [(step["container"], step["terminated"]["exitCode"]) for step in task["status"]["steps"]]
    assert codes == [("step-prepare", 0), ("step-test", 0), ("step-unnamed-2", 1)]
    log = await world.core.read_namespaced_pod_log(task["status"]["podName"], "ci", container="step-unnamed-2")
    assert "AssertionError" in log


async def test_a_retry_is_the_same_task_run_with_its_fields_unset(world: TektonWorld) -> None:
    """T7, T14."""
    world.faults.set({"failing_step": "flaky"})
    task = {"name": "flaky", "retries": 1, "taskSpec": {"steps": [{"name": "try", "image": "alpine"}]}}
    await world.start(pipelineRef=None, pipelineSpec={"tasks": [task]})
    again = await world.until(lambda run: condition(run).get("reason") == "ToBeRetried", "run-1-flaky", "taskruns")
    assert (condition(again)["status"], again["status"]["podName"], "startTime" in again["status"]) == (
        "Unknown",
        "",
        False,
    )
    assert again["status"]["retriesStatus"][0]["podName"] == "run-1-flaky-pod"
    world.faults.set({"failing_step": ""})
    done = await world.done("run-1-flaky", "taskruns")
    assert (outcome(done), done["status"]["podName"]) == (("True", "Succeeded"), "run-1-flaky-pod-retry1")
    assert (await world.done())["status"]["childReferences"][0]["name"] == "run-1-flaky"


@pytest.mark.parametrize(
    ("mode", "tests_end", "finally_runs"),
    [
        ("Cancelled", "TaskRunCancelled", False),
        ("CancelledRunFinally", "TaskRunCancelled", True),
        ("StoppedRunFinally", "Succeeded", True),
    ],
)
async def test_the_three_ways_to_cancel(world: TektonWorld, mode: str, tests_end: str, finally_runs: bool) -> None:
    """T8."""
    world.clock.speed = 4
    await world.start()
    await world.running("run-tests")
    await world.patch({"spec": {"status": mode}})
    world.clock.speed = 20
    run = await world.done()
    assert outcome(run) == ("False", "Cancelled")
    assert outcome(await world.get("run-1-run-tests", "taskruns"))[1] == tests_end
    names = [child["pipelineTaskName"] for child in run["status"]["childReferences"]]
    assert ("tidy" in names) is finally_runs
    assert "build-push" not in names


async def test_a_graceful_stop_with_a_failed_task_ends_failed(world: TektonWorld) -> None:
    """T8."""
    world.clock.speed = 4
    world.faults.set({"failing_step": "run-tests"})
    await world.start()
    await world.running("run-tests")
    await world.patch({"spec": {"status": "StoppedRunFinally"}})
    world.clock.speed = 20
    assert outcome(await world.done()) == ("False", "Failed")


async def test_cancel_deletes_the_pod_and_its_logs(world: TektonWorld) -> None:
    """T10, T15."""
    world.clock.speed = 2
    await world.start()
    task = await world.running("fetch-source")
    pod = task["status"]["podName"]
    following = asyncio.create_task(world.core.read_namespaced_pod_log(pod, "ci", container="step-clone", follow=True))
    await asyncio.sleep(0.05)
    await world.patch({"spec": {"status": "Cancelled"}})
    assert isinstance(await asyncio.wait_for(following, 60), str)
    await world.done()
    with pytest.raises(ApiException) as error:
        await world.core.read_namespaced_pod_log(pod, "ci", container="step-clone")
    assert error.value.status == 404


@pytest.mark.parametrize("how", ["Cancelled", "PipelineRunTimeout"])
async def test_a_run_that_is_stopped_ends_before_its_tasks(world: TektonWorld, how: str) -> None:
    """T20."""
    world.clock.speed = 4
    before = world.server.store.version
    await world.start(timeouts={"pipeline": "2s"} if how == "PipelineRunTimeout" else None)
    await world.running("fetch-source")
    if how == "Cancelled":
        await world.patch({"spec": {"status": "Cancelled"}})
    assert outcome(await world.done()) == ("False", how)
    ended = (
        await world.until(lambda run: condition(run).get("status") == "False", "run-1-fetch-source", "taskruns")
        if how == "Cancelled"
        else None
    )
    changes = [c for c in world.server.store.changes_since(before) if condition(c.object).get("status") == "False"]
    kinds = [change.object["kind"] for change in changes if change.object["kind"] in ("PipelineRun", "TaskRun")]
    assert kinds[0] == "PipelineRun"
    assert ended is None or {step["terminationReason"] for step in ended["status"]["steps"]} == {"TaskRunCancelled"}


async def test_a_late_cancel_is_refused_with_400(world: TektonWorld) -> None:
    """T9."""
    await world.start()
    await world.done()
    with pytest.raises(ApiException) as error:
        await world.patch({"spec": {"status": "Cancelled"}})
    assert refusal(error) == (
        400,
        'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: '
        "invalid value: Once the PipelineRun is complete, no updates are allowed",
    )
    assert (await world.patch({"metadata": {"labels": {"late": "fine"}}}))["metadata"]["labels"]["late"] == "fine"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"params": []}, "Once the PipelineRun has started, only status updates are allowed"),
        ({"status": "PipelineRunPending"}, "PipelineRun cannot be Pending after it is started"),
        ({"status": "Stop"}, "Stop should be Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending"),
    ],
)
async def test_while_it_runs_only_the_status_may_change(world: TektonWorld, change: Json, told: str) -> None:
    """T9."""
    world.clock.speed = 2
    await world.start()
    await world.running("fetch-source")
    with pytest.raises(ApiException) as error:
        await world.patch({"spec": change})
    code, message = refusal(error)
    assert (code, told in message) == (400, True)


async def test_the_webhook_writes_defaults(world: TektonWorld) -> None:
    """T11."""
    spec = (await world.start())["spec"]
    assert spec["timeouts"] == {"pipeline": "1h0m0s"}
    assert spec["taskRunTemplate"] == {"serviceAccountName": "default"}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"colour": "red"}, 'json: unknown field "colour"'),
        ({"pipelineSpec": {"tasks": []}}, "expected exactly one, got both: spec.pipelineRef, spec.pipelineSpec"),
        ({"pipelineRef": None}, "expected exactly one, got neither: spec.pipelineRef, spec.pipelineSpec"),
        ({"pipelineRef": {}}, "missing field(s): spec.pipelineRef.name"),
        ({"timeouts": {"pipeline": "1m", "tasks": "50s", "finally": "20s"}}, "spec.timeouts"),
        ({"timeouts": {"pipeline": "soon"}}, 'time: invalid duration "soon"'),
        ({"workspaces": [{"name": "shared-workspace"}]}, "expected exactly one, got neither: spec.workspaces[0]."),
        ({"params": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "got both: spec.params[a].name"),
        ({"pipelineRef": None, "pipelineSpec": {"tasks": [{"name": "a"}]}}, "spec.pipelineSpec.tasks[0].taskRef"),
        (
            {"pipelineRef": None, "pipelineSpec": {"tasks": [
                {"name": "a", "runAfter": ["b"], "taskRef": {"name": "t"}}]}},
            "b wasn't present in Pipeline",
        ),
        (
            {"pipelineRef": None, "pipelineSpec": {"tasks": [
                {"name": "a", "runAfter": ["b"], "taskRef": {"name": "t"}},
                {"name": "b", "runAfter": ["a"], "taskRef": {"name": "t"}}]}},
            "cycle detected",
        ),
    ],
)  # fmt: skip
async def test_static_faults_are_refused_when_posted(world: TektonWorld, spec: Json, told: str) -> None:
    """T12."""
    with pytest.raises(ApiException) as error:
        await world.start(**spec)
    code, message = refusal(error)
    assert (code, "denied the request" in message) == (400, True)
    assert told in message


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"params": []}, "ParameterMissing"),
        ({"pipelineRef": {"name": "absent"}}, "CouldntGetPipeline"),
        ({"workspaces": []}, "InvalidWorkspaceBindings"),
        ({"pipelineRef": None, "pipelineSpec": {"tasks": [{"name": "a", "taskRef": {"name": "x"}}]}}, "CouldntGetTask"),
    ],
)  # fmt: skip
async def test_other_faults_are_found_later(world: TektonWorld, spec: Json, reason: str) -> None:
    """T12, T2."""
    await world.start(**spec)
    assert outcome(await world.done()) == ("False", reason)


async def test_a_parameter_of_the_wrong_type_is_found_later(world: TektonWorld) -> None:
    """T2."""
    params = [{"name": "repo-url", "value": "x"}, {"name": "image", "value": ["x"]}]
    await world.start(params=params)
    assert outcome(await world.done()) == ("False", "ParameterTypeMismatch")


async def test_labels_come_after_creation(world: TektonWorld) -> None:
    """T13."""
    before = world.server.store.version
    await world.start()
    run = await world.done()
    added = next(c for c in world.server.store.changes_since(before) if c.key.name == "run-1")
    assert "tekton.dev/pipeline" not in added.object["metadata"]["labels"]
    assert run["metadata"]["labels"] == {"app": "my-app", "tekton.dev/pipeline": "ci-pipeline"}
    task = await world.get("run-1-tidy", "taskruns")
    assert task["metadata"]["labels"] == {
        "app": "my-app",
        "app.kubernetes.io/managed-by": "tekton-pipelines",
        "tekton.dev/memberOf": "finally",
        "tekton.dev/pipeline": "ci-pipeline",
        "tekton.dev/pipelineRun": "run-1",
        "tekton.dev/pipelineRunUID": run["metadata"]["uid"],
        "tekton.dev/pipelineTask": "tidy",
        "tekton.dev/task": "tidy",
    }
    pods = await world.core.list_namespaced_pod("ci", label_selector="tekton.dev/taskRun=run-1-tidy")
    assert pods.items[0].metadata.labels["app.kubernetes.io/managed-by"] == "tekton-pipelines"


async def test_the_pipeline_label_of_an_inline_spec_is_the_run_s_name(world: TektonWorld) -> None:
    """T13."""
    await world.start(pipelineRef=None, pipelineSpec={"tasks": [{"name": "tidy", "taskRef": {"name": "tidy"}}]})
    assert (await world.done())["metadata"]["labels"]["tekton.dev/pipeline"] == "run-1"


async def test_pods_and_containers(world: TektonWorld) -> None:
    """T14."""
    await world.start()
    await world.done()
    pod = await world.core.read_namespaced_pod("run-1-run-tests-pod", "ci")
    assert [c.name for c in pod.spec.containers] == ["step-prepare", "step-test", "step-unnamed-2"]
    assert [c.name for c in pod.spec.init_containers] == ["prepare", "place-scripts"]
    assert (pod.status.phase, pod.metadata.owner_references[0].kind) == ("Succeeded", "TaskRun")


async def test_logs_before_during_and_after(world: TektonWorld) -> None:
    """T15, T22: 400 before the container starts; all containers run while the steps take turns."""
    world.clock.speed = 1
    await world.start()
    await world.until(lambda run: bool(run.get("status", {}).get("podName")), "run-1-fetch-source", "taskruns")
    with pytest.raises(ApiException) as error:
        await world.core.read_namespaced_pod_log("run-1-fetch-source-pod", "ci")
    assert refusal(error)[0] == 400
    assert "waiting to start" in refusal(error)[1]
    world.clock.speed = 6
    task = await world.running("run-tests")
    assert ["running" in step for step in task["status"]["steps"]] == [True, True, True]
    pod = await world.core.read_namespaced_pod("run-1-run-tests-pod", "ci")
    assert all(container.state.running for container in pod.status.container_statuses)
    whole = await world.core.read_namespaced_pod_log(
        "run-1-run-tests-pod", "ci", container="step-unnamed-2", follow=True
    )
    assert whole.strip().endswith("in 1.87s ==============================")
    tail = await world.core.read_namespaced_pod_log(
        "run-1-run-tests-pod", "ci", container="step-unnamed-2", tail_lines=1
    )
    assert tail == whole.splitlines(keepends=True)[-1]


async def test_a_container_must_be_named_and_known(world: TektonWorld) -> None:
    """T15."""
    await world.start()
    await world.done()
    for container, told in ((None, "a container name must be specified"), ("x", "container x is not valid for pod")):
        with pytest.raises(ApiException) as error:
            await world.core.read_namespaced_pod_log("run-1-run-tests-pod", "ci", container=container)
        code, message = refusal(error)
        assert (code, told in message) == (400, True)


async def test_old_clients_read_the_old_names(world: TektonWorld) -> None:
    """T16."""
    await world.start()
    await world.done()
    old = await world.custom.get_namespaced_custom_object("tekton.dev", "v1beta1", "ci", "pipelineruns", "run-1")
    assert {result["name"] for result in old["status"]["pipelineResults"]} == {"digest", "commit"}
    task = await world.custom.get_namespaced_custom_object(
        "tekton.dev", "v1beta1", "ci", "taskruns", "run-1-fetch-source"
    )
    assert "results" not in task["status"]
    assert task["status"]["taskResults"][0]["name"] == "commit"


async def test_a_run_that_takes_too_long() -> None:
    """T2, T10, T20: its TaskRuns are cancelled, and say for what."""

    async def for_ever(_: Checkout) -> Source:
        await asyncio.Event().wait()
        raise AssertionError

    async with tekton(hooks=Hooks(on_fetch=for_ever)) as world:
        await world.start(timeouts={"pipeline": "4s"})
        run = await world.done()
        assert outcome(run) == ("False", "PipelineRunTimeout")
        (child,) = run["status"]["childReferences"]
        ended = await world.get(child["name"], "taskruns")
        assert outcome(ended) == ("False", "TaskRunCancelled")
        assert "has timed out" in condition(ended)["message"]


async def test_a_pending_run_waits_until_it_is_released(world: TektonWorld) -> None:
    """T8."""
    await world.start(status="PipelineRunPending")
    await world.until(lambda run: condition(run).get("reason") == "PipelineRunPending")
    await world.patch({"spec": {"status": None}})
    assert outcome(await world.done()) == ("True", "Succeeded")


async def test_when_expressions_skip_and_the_run_is_completed(world: TektonWorld) -> None:
    """T2, T5."""
    step = {"steps": [{"name": "s", "image": "alpine"}]}
    never = [{"input": "main", "operator": "in", "values": ["release"]}]
    tasks = [
        {"name": "skipped", "taskSpec": step, "when": never},
        {"name": "after", "taskSpec": step, "runAfter": ["skipped"]},
    ]
    await world.start(pipelineRef=None, pipelineSpec={"tasks": tasks})
    run = await world.done()
    assert outcome(run) == ("True", "Completed")
    assert run["status"]["skippedTasks"] == [
        {"name": "skipped", "reason": "When Expressions evaluated to false", "whenExpressions": never}
    ]


async def test_deleting_a_run_in_the_middle_takes_everything_with_it(world: TektonWorld) -> None:
    world.clock.speed = 2
    await world.start()
    await world.running("fetch-source")
    await world.custom.delete_namespaced_custom_object(*GROUP, "pipelineruns", "run-1")
    assert (await world.custom.list_namespaced_custom_object(*GROUP, "taskruns"))["items"] == []
    assert (await world.core.list_namespaced_pod("ci")).items == []
    await asyncio.sleep(0.1)
    assert (await world.custom.list_namespaced_custom_object(*GROUP, "taskruns"))["items"] == []


async def test_what_a_hook_says_becomes_results_and_its_failure_a_failed_step() -> None:
    seen: list[Build] = []

    async def build(image: Build) -> str:
        seen.append(image)
        if len(seen) == 2:
            raise RuntimeError("the registry is full")
        return "sha256:" + "1" * 64

    async with tekton(hooks=Hooks(on_image_built=build)) as world:
        await world.start()
        run = await world.done()
        await world.start("run-2")
        assert outcome(await world.done("run-2")) == ("False", "Failed")
        log = await world.core.read_namespaced_pod_log("run-2-build-push-pod", "ci")
    assert {"name": "digest", "value": "sha256:" + "1" * 64} in run["status"]["results"]
    assert (seen[0].repository, seen[0].run) == ("harbor.example.com/apps/my-app", "run-1")
    assert seen[0].image == f"{seen[0].repository}:{seen[0].tag}"
    assert log.splitlines()[-1] == "Error: the registry is full"


async def test_a_task_run_by_itself(world: TektonWorld) -> None:
    alone = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "alone"},
        "spec": {"taskRef": {"name": "tidy"}},
    }
    created = await world.custom.create_namespaced_custom_object(*GROUP, "taskruns", alone)
    assert (created["spec"]["timeout"], created["spec"]["taskRef"]["kind"]) == ("1h0m0s", "Task")
    assert outcome(await world.done("alone", "taskruns")) == ("True", "Succeeded")
    alone["metadata"], alone["spec"] = {"name": "lost"}, {"taskRef": {"name": "absent"}}
    await world.custom.create_namespaced_custom_object(*GROUP, "taskruns", alone)
    assert outcome(await world.done("lost", "taskruns")) == ("False", "TaskRunResolutionFailed")


async def test_cloud_events_reach_the_sink() -> None:
    """T19: binary mode."""
    seen: list[tuple[dict[str, str], Json]] = []

    async def take(request: Request) -> Response:
        seen.append((dict(request.headers), await request.json()))
        return Response(status_code=202)

    sample = load("samples/tekton.cloudevent.taskrun.unknown.headers.json")
    async with serve(Starlette(routes=[Route("/", take, methods=["POST"])])) as sink, tekton(sink=sink) as world:
        await world.start()
        await world.done()
    runs = [(headers, body) for headers, body in seen if "pipelineRun" in body]
    assert {headers["ce-type"].split(".")[-2] for headers, _ in runs} == {"started", "running", "successful"}
    assert {name.lower() for name in sample} <= set(runs[0][0])
    assert runs[0][0]["ce-source"] == "/apis/tekton.dev/v1/namespaces/ci/pipelineruns/run-1"
    assert runs[0][1]["pipelineRun"]["metadata"]["name"] == "run-1"
    assert any(list(body) == ["taskRun"] for _, body in seen)
