"""Pipeline: did the run that built this image succeed?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from bot.domain.image import Image
from bot.domain.pipeline import PipelineRun, RunStatus
from bot.domain.promotion import Verdict
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst_image
from bot.ports import Pipelines

AGAIN = timedelta(seconds=15)


class PipelineOptions(Options):
    result: str = Field("digest", description="Which result of a run is the digest that it built.")
    runs: int = Field(100, ge=1, le=500, description="How many of the app's newest runs to search.")


class PipelineGate:
    """Did the pipeline run that built this image succeed, down to its last task?

    The gate finds the run by the digest among its results. While a run of the app is under way, it could still be the
    one, so the promotion waits.
    """

    name: ClassVar[str] = "pipeline"
    options: ClassVar[type[Options]] = PipelineOptions

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    async def ask(self, question: Question) -> Verdict:
        options = PipelineOptions.model_validate(question.options)
        runs = await self._pipelines.list(question.app, options.runs)
        verdicts = [_verdict(question.app, move.after, runs, options.result) for move in question.moves]
        return worst_image(verdicts, question.moves)


def _verdict(app: str, image: Image, runs: Sequence[PipelineRun], result: str) -> Verdict:
    built = [run for run in runs if run.results.get(result) == image.digest]
    if good := next((run for run in built if run.status is RunStatus.SUCCEEDED), None):
        return Verdict.passed(f"Built by {good.name}")
    if going := next((run for run in built or runs if not run.done), None):
        return Verdict.waiting(
            f"The pipeline run {going.name} is still running.", "It continues automatically.", retry_after=AGAIN
        )
    if built:
        run = built[0]
        why = f": {run.message}" if run.message else ""
        return Verdict.blocked(
            f"The run {run.name} that built {image.label} is {run.status}{why}.",
            f"Look at `/pipeline logs {run.name}`, then build again: `/pipeline retry {run.name}`.",
        )
    return Verdict.blocked(
        f"No pipeline run that is still there built {image.label}.", f"Build it: `/pipeline run {app}`."
    )
