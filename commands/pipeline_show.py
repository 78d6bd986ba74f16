"""`/pipeline show RUN`: where a run is, and why it failed."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.errors import IntegrationError
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, ShowRun
from bot.domain.reply import Reply, RunDetail, Topic
from bot.grammar import Words
from bot.queries.pipeline_holds import PipelineHolds
from bot.queries.runs import RunQueries


def parse(words: Words) -> ShowRun:
    run = words.identifier("a pipeline run")
    words.done()
    return ShowRun(context=words.context, run=run)


def read(filled: Filled, context: Context) -> ShowRun:
    return ShowRun(context=context, run=filled[Input.RUN])


FORM = CommandForm("Show a run", (FormField(Input.RUN, needed=True),), read)


@command(
    "pipeline show",
    usage="/pipeline show RUN",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.BUILD,
    examples=("/pipeline show my-app-7f3a",),
)
async def show_run(ask: ShowRun, caller: Caller, runs: RunQueries, holds: PipelineHolds) -> Reply:
    """One pipeline run, task by task; for a failed one, why, and the last lines of the step that broke."""
    run = await runs.find(ask.run, caller, Permission.VIEW)
    held = await holds.told(run)
    try:
        failure, log = await runs.failure(run)
    except IntegrationError:
        return RunDetail(run, note="Its logs cannot be read at the moment.", held=held)
    return RunDetail(run, failure, log, held=held)
