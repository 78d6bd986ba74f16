"""`/pipeline logs RUN`: what its steps printed."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, RunLogs
from bot.domain.reply import Reply, RunLog, Topic
from bot.grammar import Words
from bot.queries.runs import RunQueries

LINES = 1000
"""of each step"""


def parse(words: Words) -> RunLogs:
    run = words.identifier("a pipeline run")
    words.done()
    return RunLogs(context=words.context, run=run)


def read(filled: Filled, context: Context) -> RunLogs:
    return RunLogs(context=context, run=filled[Input.RUN])


FORM = CommandForm("Logs of a run", (FormField(Input.RUN, needed=True),), read)


@command(
    "pipeline logs",
    usage="/pipeline logs RUN",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.BUILD,
    examples=("/pipeline logs my-app-7f3a",),
)
async def run_logs(ask: RunLogs, caller: Caller, runs: RunQueries) -> Reply:
    """What the steps of a pipeline run printed: the last lines here, up to the last 1,000 of each step as a file.

    What looks like a password, a token or a key is taken out of both.
    """
    run = await runs.find(ask.run, caller, Permission.VIEW)
    return RunLog(run, await runs.logs(run, LINES), LINES)
