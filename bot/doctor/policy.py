"""Is the policy file good, and are the people and places there that it names?"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from bot.doctor.finding import Check, Doubtful, Skipped, Wrong, once_reached
from bot.domain.errors import NotFound, PolicyError
from bot.evaluation.loading import gate_mistakes
from bot.notify.lookup import Lookup
from bot.policy import Policy, Roster, ineffective, load, unguarded, unreachable
from bot.settings import Settings
from bot.views.words import count
from integrations.slack import SlackApi, SlackDirectory
from integrations.slack.probe import is_in

SYSTEM = "policy"


ABSENT = "Write one with `pilothouse init`, or name yours in PILOTHOUSE_POLICY_FILE."


class PolicyFile:
    """The policy, or why there is none."""

    def __init__(self, policy: Policy | None, error: str = "") -> None:
        self._policy = policy
        self.error = error

    def needed(self) -> Policy:
        """Raises Skipped: whoever needs it cannot go on, and its own check says why."""
        if self._policy is None:
            raise Skipped("first fix policy: file")
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
        if file.error and not settings.policy_file.exists():
            raise Wrong(f"there is no {settings.policy_file}", ABSENT)
        if file.error:
            raise Wrong(file.error)
        policy = file.needed()
        if found := [sentence for _, sentence in ineffective(policy)]:
            raise Doubtful(" ".join(found), "Fix it in the policy.")
        return f"{' → '.join(e.name for e in policy.environments)}; {count(len(policy.bindings), 'binding')}"

    async def production() -> str:
        policy = file.needed()
        if found := [sentence for _, sentence in unguarded(policy)]:
            raise Doubtful(" ".join(found), "Change the policy, unless that is what you need.")
        guarded = [each.name for each in policy.environments if each.production]
        if not guarded:
            raise Skipped("no environment is called production, by its name or an alias")
        return f"{', '.join(guarded)}: needs approval, and images come through the earlier environments"

    async def people() -> str:
        with once_reached("Slack"):
            return await _people(file.needed(), asked(api))

    async def channels() -> str:
        with once_reached("Slack"):
            return await _channels(file.needed(), asked(api))

    return (
        Check(
            SYSTEM,
            "file",
            valid,
            f"Fix {settings.policy_file}, or PILOTHOUSE_POLICY_FILE. `pilothouse policy check` checks the file alone.",
        ),
        Check(SYSTEM, "production", production, ""),
        Check(SYSTEM, "people", people, "Let the bot's token read users and user groups: see Slack below."),
        Check(SYSTEM, "channels", channels, "Let the bot's token read channels: see Slack below."),
    )


def asked(api: SlackApi | None) -> SlackApi:
    if api is None:
        raise Skipped("first fix Slack: bot token")
    return api


async def _people(policy: Policy, api: SlackApi) -> str:
    """Whether somebody answers to every name of the bindings, and enough of them to approve."""
    if not policy.bindings:
        raise Skipped("the policy gives nobody a role")
    roster = await people_of(policy, api)
    if found := [sentence for _, sentence in unreachable(policy, roster)]:
        raise Wrong("; ".join(found), "Create what is missing in Slack, or fix the bindings of the policy.")
    groups = {group for binding in policy.bindings for group in binding.groups}
    return f"{count(len(groups), 'user group')}, {count(len(roster.users(policy.bindings)), 'person', 'people')}"


async def people_of(policy: Policy, api: SlackApi) -> Roster:
    """Who answers to the policy's names. Raises IntegrationError where Slack does not say of every one."""
    lookup = Lookup(SlackDirectory(api), Roster())
    roster = await lookup.ask(policy)
    if lookup.errors:
        raise lookup.errors[0]
    return roster


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
