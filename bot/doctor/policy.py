"""Is the policy file good, and are the people and places there that it names?"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from bot.doctor.finding import Check, Skipped, Wrong, once_reached
from bot.domain.errors import NotFound, PolicyError
from bot.evaluation.loading import gate_mistakes
from bot.policy import Policy, load
from bot.settings import Settings
from integrations.slack import SlackApi, SlackDirectory
from integrations.slack.probe import is_in

SYSTEM = "policy"


class PolicyFile:
    """The policy, or why there is none."""

    def __init__(self, policy: Policy | None, error: str = "") -> None:
        self._policy = policy
        self.error = error

    def needed(self) -> Policy:
        """Raises Skipped: whoever needs it cannot go on, and its own check says why."""
        if self._policy is None:
            raise Skipped("the policy file must be fixed first")
        return self._policy

    def known(self) -> Policy | None:
        return self._policy


@asynccontextmanager
async def read(settings: Settings) -> AsyncIterator[PolicyFile]:
    try:
        yield PolicyFile(await asyncio.to_thread(load, settings.policy_file, gate_mistakes))
    except PolicyError as error:
        yield PolicyFile(None, str(error))


def checks(settings: Settings, file: PolicyFile, api: SlackApi | None) -> tuple[Check, ...]:
    async def valid() -> str:
        if file.error:
            raise Wrong(file.error)
        policy = file.needed()
        return f"{' → '.join(e.name for e in policy.environments)}; {len(policy.bindings)} bindings"

    async def groups() -> str:
        with once_reached("Slack"):
            return await _groups(file.needed(), asked(api))

    async def channels() -> str:
        with once_reached("Slack"):
            return await _channels(file.needed(), asked(api))

    return (
        Check(SYSTEM, "file", valid, f"Fix {settings.policy_file}; `pilothouse policy check` says where."),
        Check(SYSTEM, "user groups", groups, "Let the bot's token read user groups: look at the Slack checks below."),
        Check(SYSTEM, "channels", channels, "Let the bot's token read channels: look at the Slack checks below."),
    )


def asked(api: SlackApi | None) -> SlackApi:
    if api is None:
        raise Skipped("there is no Slack to ask")
    return api


async def _groups(policy: Policy, api: SlackApi) -> str:
    named = sorted({group for binding in policy.bindings for group in binding.groups})
    if not named:
        raise Skipped("no binding names a user group")
    directory = SlackDirectory(api)
    if missing := await _missing(named, directory.members):
        raise Wrong(
            f"Slack has no {', '.join(missing)}",
            "Create these user groups in Slack, or fix `groups` of the bindings: nobody has these roles now.",
        )
    return ", ".join(named)


async def _channels(policy: Policy, api: SlackApi) -> str:
    routed = [route.channel for route in policy.channels.routes]
    own = [app.channel for app in policy.apps.values() if app.channel]
    named = sorted({channel for channel in (policy.channels.default, *routed, *own) if channel})
    if not named:
        raise Skipped("the policy names no channel")
    strange: list[str] = []

    async def seen(channel: str) -> None:
        if not await is_in(api, channel):
            strange.append(channel)

    missing = await _missing(named, seen)
    if missing or strange:
        told = [f"no channel {', '.join(missing)}"] if missing else []
        told += [f"the bot is not in {', '.join(sorted(strange))}"] if strange else []
        raise Wrong("; ".join(told), "Invite the bot (`/invite @pilothouse`), or fix `channels` in the policy.")
    return ", ".join(named)


async def _missing(names: Iterable[str], look: Callable[[str], Awaitable[object]]) -> list[str]:
    """The ones that are not found."""
    missing: list[str] = []
    for name in names:
        try:
            await look(name)
        except NotFound:
            missing.append(name)
    return missing
