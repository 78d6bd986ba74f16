"""Facts → troubles, with a beginning and an end. Pure: in any order and with repeats, the same come out."""

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.delivery import Drifted, Fact, HealthChanged, SyncUnknown
from bot.domain.trouble import Trouble, TroubleKind


def troubles(facts: Iterable[Fact]) -> tuple[Trouble, ...]:
    """Of every app and environment, oldest first. An end without its beginning, which nobody has seen, is none."""
    known = {fact.key: fact for fact in facts}
    found: list[Trouble] = []
    lasting: dict[tuple[str, str, TroubleKind], int] = {}
    for fact in sorted(known.values(), key=lambda fact: (fact.at, fact.key)):
        if (told := _told(fact)) is None:
            continue
        kind, begun = told
        place = (fact.app, fact.environment, kind)
        number = lasting.get(place)
        if begun is None:
            if number is not None:
                found[number] = replace(found[number], over_at=fact.at)
                del lasting[place]
        elif number is None:
            lasting[place] = len(found)
            found.append(begun)
        else:
            found[number] = _grown(found[number], begun)
    return tuple(found)


def _told(fact: Fact) -> tuple[TroubleKind, Trouble | None] | None:
    """What a fact says the beginning of, or (None) the end; None for one that is about something else."""
    detail = fact.detail
    if isinstance(detail, HealthChanged):
        resources = (detail.resource,) if detail.resource else ()
        ill = _begun(fact, TroubleKind.ILL, detail.status, resources, detail.message)
        return TroubleKind.ILL, None if detail.healthy else ill
    if isinstance(detail, Drifted):
        return TroubleKind.DRIFT, None if detail.over else _begun(fact, TroubleKind.DRIFT, "", detail.resources, "")
    if isinstance(detail, SyncUnknown):
        kind = TroubleKind.NOT_COMPARED
        return kind, None if detail.over else _begun(fact, kind, "", (), detail.message)
    return None


def _begun(fact: Fact, kind: TroubleKind, what: str, resources: tuple[str, ...], message: str) -> Trouble:
    return Trouble(fact.app, fact.environment, kind, fact.at, None, what, resources, message)


def _grown(known: Trouble, later: Trouble) -> Trouble:
    """One that goes on: since it began, with all that has changed, and what is said of it now."""
    resources = tuple(dict.fromkeys((*known.resources, *later.resources)))
    return replace(known, what=later.what or known.what, resources=resources, message=later.message or known.message)
