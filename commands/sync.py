"""`/sync my-app prod`: have Argo CD apply what git says, look again, or stop the sync that runs."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, Intent, SyncAction, SyncApplication
from bot.domain.reply import Reply, Topic
from bot.grammar import IN, Slots, Words
from bot.queries.explanation import Explanation
from bot.queries.pipeline_holds import PipelineHolds
from bot.safety.syncs import SyncService


def parse(words: Words) -> Intent:
    flags = {action: words.flag(action) for action in (SyncAction.REFRESH, SyncAction.TERMINATE)}
    chosen = [action for action, given in flags.items() if given]
    if len(chosen) > 1:
        words.refuse("Argo CD either looks again (`--refresh`) or stops (`--terminate`).")
    place = words.place(Slots(), to=IN)
    if not (place.app and place.environment):
        return words.pick(place, also_given=bool(chosen))
    action = chosen[0] if chosen else SyncAction.SYNC
    return SyncApplication(context=words.context, app=place.app, environment=place.environment, action=action)


def read(filled: Filled, context: Context) -> SyncApplication:
    return SyncApplication(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm("Sync", (FormField(Input.APP, needed=True), FormField(Input.ENVIRONMENT, needed=True)), read)


@command(
    "sync",
    usage="/sync APP ENV [--refresh|--terminate]",
    allow=Permission.SYNC,
    parse=parse,
    form=FORM,
    topic=Topic.OPERATE,
    examples=("/sync my-app prod",),
)
async def sync(
    ask: SyncApplication, caller: Caller, syncs: SyncService, holds: PipelineHolds, explanation: Explanation
) -> Reply:
    """Have Argo CD sync an app to what git says: after a change by hand in the cluster, or a sync that failed.

    In production and the last environment, and where a lock, a freeze or a promotion is in the way, you see what it
    changes and confirm it. `--refresh` compares with git now, and changes nothing; `--terminate` stops the sync that
    runs. Another image is deployed with `/deploy`: this applies what is committed already.
    """
    held = () if ask.action is SyncAction.REFRESH else await holds.on(ask.app, ask.environment)
    return await syncs.run(ask, caller, tuple(one.verdict.reason for one in held), explanation.drift)
