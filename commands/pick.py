"""A bare command: ask for what was left out."""

from bot.command import CommandRegistry, command
from bot.domain.caller import Caller, Permission, Target
from bot.domain.form import Input
from bot.domain.intent import Pick
from bot.domain.reply import Choice, Picker, Reply
from bot.overlays.catalog import Catalog
from bot.policy import Policy, authorize, may


@command("pick", allow=Permission.VIEW, modal="Pilothouse")
async def pick(ask: Pick, caller: Caller, registry: CommandRegistry, policy: Policy, catalog: Catalog) -> Reply:
    """Open the picker of a command, with the apps and environments where the caller may give it."""
    asked = registry.named(ask.verb)
    if asked.form is None:
        raise LookupError(f"{asked.origin} opens a picker, and declares no form")
    permission = asked.allow
    authorize(policy, caller, permission, Target(ask.app, ask.environment))
    apps = await catalog.apps() if asked.form.asks(Input.APP) else ()
    environments = [e.name for e in catalog.environments if may(policy, caller, permission, Target("", e.name))]
    return Picker(
        ask.verb,
        asked.form,
        apps=tuple(Choice(app, app) for app in apps if may(policy, caller, permission, Target(app))),
        environments=tuple(Choice(name, name) for name in environments),
        app=ask.app,
        environment=ask.environment,
        careful=policy.careful,
    )
