"""What may happen, and who may make it happen: `pilothouse.yaml`, read and asked. Pure, but for `load`."""

from bot.policy.authorization import EVERY, authorize, may, roles_of, who_could
from bot.policy.contradictions import Place
from bot.policy.file import load, parse
from bot.policy.model import Policy
from bot.policy.parts import Binding, EnvironmentRules

__all__ = [
    "EVERY",
    "Binding",
    "EnvironmentRules",
    "Place",
    "Policy",
    "authorize",
    "load",
    "may",
    "parse",
    "roles_of",
    "who_could",
]
