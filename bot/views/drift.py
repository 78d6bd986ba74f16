"""Where the cluster differs from git: which resource, which field, what is there, and who wrote it."""

from collections.abc import Sequence

from bot.domain.drift import Difference, Drift
from bot.views import words
from bot.views.words import DAY_AND_TIME, bold, code, moment

RESOURCES, FIELDS = 8, 5
"""that are named; of the others, how many there are"""


def lines(found: Sequence[Drift]) -> list[str]:
    shown = [line for one in found[:RESOURCES] for line in _resource(one)]
    more = len(found) - RESOURCES
    return [*shown, f"and {words.count(more, 'more resource')}"] if more > 0 else shown


def summary(found: Sequence[Drift]) -> str:
    """ "Deployment my-app and Service my-app"."""
    return words.named([f"{one.kind} {one.name}" for one in found])


def _resource(one: Drift) -> list[str]:
    name = f"{bold(f'{one.kind} {one.name}', 160)}"
    if one.missing:
        return [f"• {name} is missing in the cluster"]
    if one.surplus:
        return [f"• {name} is in the cluster, and not in git: only a sync with pruning removes it"]
    more = len(one.differences) - FIELDS
    shown = [f"• {name}", *(_field(each) for each in one.differences[:FIELDS])]
    return [*shown, f"        and {words.count(more, 'more field')}"] if more > 0 else shown


def _field(each: Difference) -> str:
    by = f" · by {code(each.manager, 60)}" if words.clean(each.manager) else ""
    when = f" {moment(each.at, DAY_AND_TIME)}" if each.at and by else ""
    values = f"live {_value(each.live)}, git {_value(each.target)}" if each.live or each.target else "differs"
    return f"        {code(each.path, 120)}: {values}{by}{when}"


def _value(value: str) -> str:
    return code(value or '""', 90)
