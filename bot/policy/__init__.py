"""What may happen, and who may make it happen: `pilothouse.yaml`, read and asked. Pure, but for `load`."""

from bot.policy.authorization import EVERY, authorize, may, roles_of, who_could, who_decides, who_gives_roles
from bot.policy.file import load, parse
from bot.policy.model import Policy
from bot.policy.parts import Binding, EnvironmentRules
from bot.policy.reach import ineffective, unreachable
from bot.policy.roster import Roster
from bot.policy.unguarded import unguarded
from bot.policy.visibility import known, no_app, no_promotion, no_run, shows_all, shows_any, visible
from bot.runtime.mistakes import Place

__all__ = [
    "EVERY",
    "Binding",
    "EnvironmentRules",
    "Place",
    "Policy",
    "Roster",
    "authorize",
    "ineffective",
    "known",
    "load",
    "may",
    "no_app",
    "no_promotion",
    "no_run",
    "parse",
    "roles_of",
    "shows_all",
    "shows_any",
    "unguarded",
    "unreachable",
    "visible",
    "who_could",
    "who_decides",
    "who_gives_roles",
]
