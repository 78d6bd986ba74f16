"""Where a policy leaves production open: nobody is asked, or nobody asks where an image has been. Pure."""

from collections.abc import Iterator

from bot.domain.promotion import ApprovalRule
from bot.policy.model import Policy
from bot.policy.rules import ORDER, Rules
from bot.runtime.mistakes import Place


def unguarded(policy: Policy) -> Iterator[tuple[Place, str]]:
    """Warnings, each with its place in the file, and what closes it again. All of it may be meant."""
    for index, environment in enumerate(policy.environments):
        if not environment.production:
            continue
        name = environment.name
        usual = set(_openings(policy.rules("", name), first=index == 0))
        at: Place = ("environments", index)
        yield from (((*at, place), f"{name}: {sentence}") for place, sentence in sorted(usual))
        for app, own in policy.apps.items():
            if name in own.environments:
                found = set(_openings(policy.rules(app, name), first=index == 0)) - usual
                at = ("apps", app, "environments", name)
                yield from (((*at, place), f"{name} of {app}: {sentence}") for place, sentence in sorted(found))


def _openings(rules: Rules, *, first: bool) -> Iterator[tuple[str, str]]:
    rule = rules.approval()
    if _asks_nobody(rule):
        yield "approval", "nobody has to approve. Leave `approval.count` out, or set it to 1 or more."
    elif rule.self_approval and min(quorum.count for quorum in rule.quorums) < 2:
        yield (
            "approval",
            "the requester may be the only approver. Leave `approval.self_approval` out, or let `count` be 2 or more.",
        )
    if first:
        return
    options = rules.gates().get(ORDER)
    if options is None:
        yield "gates", "nobody asks where an image has been before. Leave `gates.order` out, or set it to `true`."
    elif options.get("environments") == ():
        yield (
            "gates",
            "`gates.order` names no environment, so any image may go. Name one, or leave `environments` out.",
        )


def _asks_nobody(rule: ApprovalRule) -> bool:
    return any(not quorum.count and not quorum.required for quorum in rule.quorums)
