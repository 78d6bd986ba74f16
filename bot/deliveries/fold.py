"""Facts → deployments. Pure: the same facts give the same deployments, in any order and however often they come."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain.delivery import Cause, Committed, Deployment, Fact, HealthChanged, Judged, Outcome, SyncedByHand
from bot.domain.promotion import Progress
from bot.domain.source_range import CommitsFound

OUTCOMES = {
    Progress.HEALTHY: Outcome.HEALTHY,
    Progress.FAILED: Outcome.FAILED,
    Progress.SUPERSEDED: Outcome.SUPERSEDED,
    Progress.NEVER_RAN: Outcome.NEVER_RAN,
}


def deployments(facts: Iterable[Fact]) -> tuple[Deployment, ...]:
    """Of every app and environment, oldest first."""
    places: dict[tuple[str, str], dict[str, Fact]] = defaultdict(dict)
    for fact in facts:
        places[fact.app, fact.environment].setdefault(fact.key, fact)
    folded = [found for there in places.values() for found in _of_one_place(there.values())]
    return tuple(sorted(folded, key=lambda one: (one.at, one.app, one.environment, one.sha)))


def _of_one_place(facts: Iterable[Fact]) -> list[Deployment]:
    ordered = sorted(facts, key=lambda fact: (fact.at, fact.key))
    brought = {fact.detail.of: fact.detail for fact in ordered if isinstance(fact.detail, CommitsFound)}
    begun = [replace(found, commits=brought.get(fact.key)) for fact in ordered if (found := _begun(fact))]
    begun = [
        replace(one, replaced_at=after.at) if after else one
        for one, after in zip(begun, [*begun[1:], None], strict=False)
    ]
    return [_judged(one, ordered) for one in begun]


def _begun(fact: Fact) -> Deployment | None:
    detail = fact.detail
    if isinstance(detail, Committed):
        return Deployment(
            fact.app,
            fact.environment,
            detail.sha,
            detail.cause,
            fact.at,
            detail.author.name,
            detail.author.email,
            detail.subject,
            detail.overlay,
            detail.images,
            detail.paths,
            detail.url,
            detail.promotion,
            detail.run,
            undoing=detail.undoing,
            held=detail.held,
            moved=detail.moved,
        )
    if isinstance(detail, SyncedByHand):
        return Deployment(
            fact.app,
            fact.environment,
            detail.sha,
            Cause.ARGOCD,
            fact.at,
            detail.by,
            overlay=detail.overlay,
            images=detail.images,
            url=detail.url,
            outcome=Outcome.SYNCED,
            synced_at=fact.at,
            ended_at=fact.at,
        )
    return None


def _judged(deployment: Deployment, ordered: list[Fact]) -> Deployment:
    """Once Healthy stays Healthy: what comes later is another deployment's, or an illness."""
    said = [(fact.at, fact.detail) for fact in ordered if isinstance(fact.detail, Judged)]
    mine = [(at, judged) for at, judged in said if judged.sha == deployment.id]
    if deployment.cause is not Cause.ARGOCD and mine:
        healthy = next(((at, one) for at, one in mine if one.progress is Progress.HEALTHY), None)
        at, last = healthy or mine[-1]
        outcome = OUTCOMES.get(last.progress, Outcome.SYNCED if last.synced_at else Outcome.UNDER_WAY)
        deployment = replace(
            deployment,
            outcome=outcome,
            explanation=last.explanation,
            synced_at=min((one.synced_at for _, one in mine if one.synced_at), default=None),
            healthy_at=at if healthy else None,
            ended_at=next((at for at, one in mine if one.progress.final), None),
        )
    ill = _fell_ill(deployment, ordered)
    return replace(deployment, degraded_at=ill, recovered_at=_recovered(ill, ordered))


def _fell_ill(deployment: Deployment, ordered: list[Fact]) -> datetime | None:
    well = deployment.healthy_at
    if well is None:
        return None
    ill = (fact.at for fact in ordered if isinstance(fact.detail, HealthChanged) and not fact.detail.healthy)
    until = deployment.replaced_at
    return next((at for at in ill if at >= well and (until is None or at < until)), None)


def _recovered(ill: datetime | None, ordered: list[Fact]) -> datetime | None:
    if ill is None:
        return None
    well = (fact.at for fact in ordered if isinstance(fact.detail, HealthChanged) and fact.detail.healthy)
    return next((at for at in well if at > ill), None)
