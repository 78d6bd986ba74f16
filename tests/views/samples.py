"""Domain values that the view tests start from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.application import ApplicationRef
from bot.domain.caller import Person
from bot.domain.image import Image
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import (
    Approval,
    ApprovalRule,
    Following,
    GateResult,
    Kind,
    Move,
    Phase,
    Plan,
    Progress,
    Promotion,
    Stage,
    Verdict,
)

AT = datetime(2026, 5, 4, 14, 2, tzinfo=UTC)
ANA, BO, MIA = Person("U0ANA", "Ana"), Person("U0BO", "Bo"), Person("U0MIA", "Mia")
DIGEST, OLD_DIGEST = "sha256:" + "a" * 64, "sha256:" + "b" * 64
COMMIT = Commit("c0ffee1234567890", Author("Ana", "ana@example.com"), "Promote my-app to production", AT)


def move(app: str = "my-app", before: str = "v1.4.1", after: str = "v1.4.2", environment: str = "production") -> Move:
    repository = f"harbor.example.com/apps/{app}"
    return Move(
        app,
        f"apps/{app}/overlays/{environment}/kustomization.yaml",
        OverlayImage(repository, repository, before),
        Image(repository, DIGEST, after),
        ApplicationRef(f"{app}-{environment}", environment),
        revision="5a6b7c8d00",
        revision_before="1f2e3d4c00",
        source=f"https://github.com/acme/{app}",
    )


def plan(**changes: Any) -> Plan:
    usual = Plan(
        id="p-7f3a",
        kind=Kind.PROMOTION,
        environment="production",
        source="staging",
        moves=(move(),),
        requester=ANA,
        channel="C0DEPLOY",
        requested_at=AT,
        gates=("scan", "health"),
        approval=ApprovalRule(1, ("release-managers",)),
        seen_commit="abc",
    )
    return replace(usual, **changes)


PASSED = (
    GateResult("scan", "my-app", Verdict.passed("0 Critical, 2 High")),
    GateResult("health", "my-app", Verdict.passed("Healthy in staging")),
)
BLOCKED = (
    GateResult(
        "scan",
        "my-app",
        Verdict.blocked(
            "The image has 2 Critical vulnerabilities, and production allows none",
            "Build it on a newer base image, then deploy that one",
            link="https://harbor.example.com/scan?a=1&b=2",
        ),
    ),
    GateResult("health", "my-app", Verdict.blocked("my-app is Degraded in staging", "Fix staging first")),
)


def promotion(stage: Stage = Stage.APPROVAL, phase: Phase = Phase.RUNNING, **changes: Any) -> Promotion:
    of_plan = changes.pop("plan", None) or plan()
    usual = Promotion(of_plan, phase, stage, PASSED, expires_at=AT + timedelta(hours=4))
    return replace(usual, **changes)


def approval(by: Person = BO, *roles: str) -> Approval:
    return Approval(by, "the hash of what was seen", AT, roles)


def following(progress: Progress, app: str = "my-app", **changes: Any) -> Following:
    words = {
        Progress.WAITING: ("", ""),
        Progress.SYNCING: ("OutOfSync", "Healthy"),
        Progress.PROGRESSING: ("Synced", "Progressing"),
        Progress.HEALTHY: ("Synced", "Healthy"),
        Progress.FAILED: ("Synced", "Degraded"),
        Progress.SUPERSEDED: ("Synced", "Healthy"),
        Progress.NEVER_RAN: ("Synced", "Healthy"),
    }
    sync, health = words[progress]
    return replace(Following(ApplicationRef(f"{app}-production", "production"), progress, sync, health, ""), **changes)
