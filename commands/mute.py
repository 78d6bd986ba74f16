"""`/pilothouse mute`: no direct messages that ask for approvals, or for a while none of some news."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import Intent, Mute, MuteNews, Unmute
from bot.domain.reply import Reply, Told, Topic
from bot.grammar import Words
from bot.store.mutes import MuteStore


def parse(words: Words) -> Intent:
    off = words.keyword("off")
    if not words:
        return Unmute(context=words.context) if off else Mute(context=words.context)
    until = words.led_time()
    if off and not until:
        return words.unmute()
    found = words.news()
    if off or not until:
        words.refuse("Say for how long, for example `for 2h`, or `off`.")
    return MuteNews(
        context=words.context,
        app=found.app,
        environment=found.environment,
        events=found.events,
        here=found.here,
        until=until,
    )


@command(
    "mute",
    usage=(
        "/pilothouse mute",
        "/pilothouse mute off",
        "/pilothouse mute [APP] [ENV] [EVENT…] [here] for TIME",
        "/pilothouse mute [APP] [ENV] [EVENT…] [here] off",
    ),
    allow=Permission.VIEW,
    parse=parse,
    topic=Topic.LATER,
    examples=("/pilothouse mute", "/pilothouse mute my-app for 2h"),
)
async def mute(ask: Mute, caller: Caller, mutes: MuteStore) -> Reply:  # noqa: ARG001 (it asks for one thing)
    """Get no direct messages that ask you to approve; with a time, no news of an app, an environment or an event.

    `/pilothouse unmute`, or `off`, ends it. Muted news is not sent later. With `here` it is the channel that is muted:
    you need the permission `subscribe` for that, and the mute ends when you no longer have it. Cards still mention you
    in their channels. Slack has a `/mute` of its own, for channels.
    """
    await mutes.mute(caller.person)
    return Told("I ask you for approvals only in channels from now on. `/pilothouse unmute` ends that.")
