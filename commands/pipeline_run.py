"""`/pipeline run my-app feature/login`: start a build."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.errors import InvalidCommand
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, Intent, RunPipeline
from bot.domain.pipeline import RunRequest
from bot.domain.reply import Reply, RunDetail, Topic
from bot.grammar import Place, Words
from bot.policy import Policy
from bot.ports import Pipelines
from bot.queries.runs import RunFollowing, fixed_names, leads_elsewhere, parameters, pipeline_of


def parse(words: Words) -> Intent:
    params = words.parameters()
    app = words.app()
    if not app:
        return words.pick(Place(), also_given=bool(params))
    revision = words.revision()
    words.done()
    return RunPipeline(context=words.context, app=app, revision=revision, params=params)


def read(filled: Filled, context: Context) -> RunPipeline:
    return RunPipeline(context=context, app=filled[Input.APP], revision=filled[Input.REVISION])


FORM = CommandForm(
    "Run the pipeline",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.REVISION, hint="A branch, tag or commit. Leave empty for the pipeline's own default."),
    ),
    read,
)


@command(
    "pipeline run",
    usage="/pipeline run APP [REVISION] [NAME=VALUE…]",
    allow=Permission.RUN_PIPELINE,
    parse=parse,
    form=FORM,
    topic=Topic.BUILD,
    examples=("/pipeline run my-app", "/pipeline run my-app main"),
)
async def run_pipeline(
    ask: RunPipeline, caller: Caller, policy: Policy, pipelines: Pipelines, following: RunFollowing
) -> Reply:
    """Build an app: fetch, test, build, push.

    A message in the conversation shows task by task how far it is. REVISION is a branch, tag or commit of the app's
    source. Parameters that policy fixes cannot be given, nor addresses of repositories and images.
    """
    if taken := sorted(ask.params.keys() & fixed_names(policy, ask.app)):
        raise InvalidCommand(
            f"`{taken[0]}` is fixed by policy for {ask.app}: leave it out. A revision is named without `revision=`."
        )
    if places := sorted(name for name, value in ask.params.items() if leads_elsewhere(value)):
        raise InvalidCommand(
            f"`{places[0]}` is an address, and where source comes from and images go is for policy to say: "
            "an administrator can set it under `pipeline.params` in pilothouse.yaml."
        )
    run = await pipelines.start(
        RunRequest(
            id=ask.context.request_id,
            pipeline=pipeline_of(policy, ask.app),
            app=ask.app,
            params=parameters(policy, ask.app, ask.revision) | ask.params,
            requester=caller.id,
            revision=ask.revision,
        )
    )
    if ask.context.channel:
        await following.follow(run, ask.context.channel)
    return RunDetail(run, note="Started.", followed=bool(ask.context.channel))
