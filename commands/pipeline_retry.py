"""`/pipeline retry RUN`: the same build again."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.errors import Conflict
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, RetryRun
from bot.domain.reply import Reply, RunDetail, Topic
from bot.grammar import Words
from bot.ports import PipelineRetries
from bot.queries.runs import RunFollowing, RunQueries, request_like


def parse(words: Words) -> RetryRun:
    run = words.identifier("a pipeline run")
    words.done()
    return RetryRun(context=words.context, run=run)


def read(filled: Filled, context: Context) -> RetryRun:
    return RetryRun(context=context, run=filled[Input.RUN])


FORM = CommandForm("Retry a run", (FormField(Input.RUN, needed=True),), read)


@command(
    "pipeline retry",
    usage="/pipeline retry RUN",
    allow=Permission.RUN_PIPELINE,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.BUILD,
    examples=("/pipeline retry my-app-7f3a",),
)
async def retry_run(
    ask: RetryRun, caller: Caller, runs: RunQueries, retries: PipelineRetries, following: RunFollowing
) -> Reply:
    """Start a pipeline run again, as a new run with the same parameters."""
    run = await runs.find(ask.run, caller, Permission.RUN_PIPELINE)
    if not run.done:
        raise Conflict(f"`{run.name}` has not ended: cancel it first, or wait.")
    again = await retries.retry(run.name, request_like(run, ask.context.request_id, caller.id))
    if ask.context.channel:
        await following.follow(again, ask.context.channel)
    return RunDetail(again, note=f"Started as a retry of {run.name}.", followed=bool(ask.context.channel))
