"""`/pipeline cancel RUN`: stop a build."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.errors import Conflict
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import CancelRun, Context
from bot.domain.pipeline import CancelMode, RunStatus
from bot.domain.reply import Reply, RunDetail, Topic
from bot.grammar import Words
from bot.ports import Pipelines
from bot.queries.runs import RunQueries


def parse(words: Words) -> CancelRun:
    modes = {
        CancelMode.RUN_FINALLY: words.flag("run-finally"),
        CancelMode.STOP_GRACEFULLY: words.flag("gracefully"),
    }
    run = words.identifier("a pipeline run")
    words.done()
    chosen = [mode for mode, given in modes.items() if given]
    if len(chosen) > 1:
        words.refuse("A run is stopped in one way only.")
    return CancelRun(context=words.context, run=run, mode=chosen[0] if chosen else CancelMode.NOW)


def read(filled: Filled, context: Context) -> CancelRun:
    return CancelRun(context=context, run=filled[Input.RUN])


FORM = CommandForm("Cancel a run", (FormField(Input.RUN, needed=True),), read)


@command(
    "pipeline cancel",
    usage="/pipeline cancel RUN [--run-finally|--gracefully]",
    allow=Permission.RUN_PIPELINE,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.BUILD,
    examples=("/pipeline cancel my-app-7f3a",),
)
async def cancel_run(ask: CancelRun, caller: Caller, runs: RunQueries, pipelines: Pipelines) -> Reply:
    """Stop a pipeline run.

    At once; with `--run-finally` its last tasks still clean up; with `--gracefully` running tasks end first.
    """
    run = await runs.find(ask.run, caller, Permission.RUN_PIPELINE)
    if ask.context.again and run.status is RunStatus.CANCELLED:
        return RunDetail(run, note="Cancelled.")  # by the process that did not come to its end
    if run.done:
        raise Conflict(f"`{run.name}` is over already: {run.status}.")
    return RunDetail(await pipelines.cancel(run.name, ask.mode), note="Cancelling.")
