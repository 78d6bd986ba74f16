"""`/pipeline list [my-app]`: the newest runs."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import Intent, ListRuns
from bot.domain.reply import Reply, RunList, Topic
from bot.grammar import Words
from bot.policy import Policy, may
from bot.ports import Pipelines
from bot.queries.runs import target_of

SHOWN = 10


def parse(words: Words) -> Intent:
    app = words.app()
    words.done()
    return ListRuns(context=words.context, app=app)


@command(
    "pipeline list",
    usage="/pipeline list [APP]",
    allow=Permission.VIEW,
    parse=parse,
    topic=Topic.BUILD,
    examples=("/pipeline list my-app",),
)
async def list_runs(ask: ListRuns, caller: Caller, policy: Policy, pipelines: Pipelines) -> Reply:
    """The newest pipeline runs, of one app or of all."""
    runs = await pipelines.list(ask.app, SHOWN)
    return RunList(ask.app, tuple(run for run in runs if may(policy, caller, Permission.VIEW, target_of(run))))
