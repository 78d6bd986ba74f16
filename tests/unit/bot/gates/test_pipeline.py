"""The run that built this digest, and how it ended."""

from bot.domain.pipeline import PipelineRun, RunStatus
from bot.domain.promotion import Verdict, VerdictState
from bot.gates.pipeline import PipelineGate
from tests.fakes.pipelines import MemoryPipelines
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import GateHarness


async def ask(*runs: tuple[str, RunStatus, str], message: str = "") -> Verdict:
    """`runs`: name, status, and the tag of what it built ("" for nothing yet)."""
    harness, pipelines = GateHarness(), MemoryPipelines()
    for name, status, tag in runs:
        results = {"digest": (await harness.image(tag)).digest} if tag else {}
        pipelines._put(PipelineRun(name, "ci", "ci-pipeline", status, message=message, app="my-app", results=results))
    return await PipelineGate(pipelines).ask(await harness.question("v1.4.2"))


async def test_the_run_that_built_it_succeeded() -> None:
    verdict = await ask(("run-1", RunStatus.SUCCEEDED, "v1.4.2"), ("run-2", RunStatus.FAILED, "v1.4.3"))
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "Built by run-1")


async def test_the_run_that_built_it_failed_after_its_push() -> None:
    verdict = await ask(("run-1", RunStatus.FAILED, "v1.4.2"), message="update-manifest failed")
    assert verdict.state is VerdictState.BLOCKED
    assert says(verdict.reason, "run-1", "v1.4.2", "Failed", "update-manifest")
    assert "/pipeline logs run-1" in verdict.remedy


async def test_the_same_bytes_built_again_with_success_count() -> None:
    verdict = await ask(("run-1", RunStatus.FAILED, "v1.4.2"), ("run-2", RunStatus.SUCCEEDED, "v1.4.2"))
    assert verdict.reason == "Built by run-2"


async def test_another_image_s_success_is_none() -> None:
    verdict = await ask(("run-1", RunStatus.SUCCEEDED, "v1.4.3"))
    assert verdict.state is VerdictState.BLOCKED
    assert says(verdict.reason, "No pipeline run", "v1.4.2")
    assert verdict.remedy == "Build it: `/pipeline run my-app`."


async def test_a_run_that_goes_on_may_be_the_one() -> None:
    assert (await ask(("run-1", RunStatus.RUNNING, ""))).state is VerdictState.WAITING
    verdict = await ask(("run-1", RunStatus.RUNNING, "v1.4.2"))
    assert verdict.state == VerdictState.WAITING
    assert says(verdict.reason, "run-1", "running")
