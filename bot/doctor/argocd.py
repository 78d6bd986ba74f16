"""Argo CD: reachable, its token good for a while, and an Application for every overlay that we may read and sync."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bot.doctor.finding import Check, Wrong, once_reached
from bot.doctor.overlays import discovered
from bot.doctor.policy import PolicyFile
from bot.domain.application import Application
from bot.policy import Policy
from bot.settings import ArgoCDSettings, Settings
from integrations.argocd import ArgoCD

SOON = timedelta(days=7)
NAMES = ("metadata.name", "spec.project")
ASKED = 100
"""Applications for which permissions are asked one by one; roles are written for projects, not for each"""
AT_ONCE = 8
SHOWN = 5


def checks(settings: Settings, file: PolicyFile) -> tuple[Check, ...]:
    named = {"": settings.argocd, **settings.argocd_instances}
    return tuple(check for name, own in named.items() for check in _instance(settings, file, name, own))


def _instance(settings: Settings, file: PolicyFile, name: str, own: ArgoCDSettings) -> tuple[Check, ...]:
    system = f"Argo CD {name}".strip()
    prefix = "PILOTHOUSE_ARGOCD__" if not name else f"PILOTHOUSE_ARGOCD_INSTANCES__{name.upper()}__"
    token = f"Make a new token (`argocd proj role create-token`) and put it into {prefix}TOKEN."

    async def applications() -> str:
        policy = file.needed()
        environments = [e.name for e in policy.environments if policy.rules("", e.name).argocd == name]
        wanted = await _wanted(settings, policy, environments)
        async with ArgoCD(own) as argocd:
            seen = {app.ref.name: app for app in await argocd.list("", fields=NAMES)}
            return await _permitted(argocd, _present(wanted, seen))

    return (
        Check(system, "reachable", lambda: _reachable(own, prefix), f"Check {prefix}URL, and that it is up."),
        Check(system, "token", lambda: _token(own, token), token),
        Check(system, "applications", applications, f"Mend what is said of {system} and of the overlays above."),
    )


async def _reachable(own: ArgoCDSettings, prefix: str) -> str:
    if not own.url:
        raise Wrong("no URL is set", f"Set {prefix}URL.")
    async with ArgoCD(own) as argocd:
        return f"version {await argocd.version()}"


async def _token(own: ArgoCDSettings, mend: str) -> str:
    if not own.credential("token"):
        raise Wrong("there is no token")
    async with ArgoCD(own) as argocd:
        with once_reached("Argo CD"):
            await argocd.list("", fields=NAMES[:1])
        expires = argocd.token_expires()
    if expires is None:
        return "accepted; it has no end"
    left = expires - datetime.now(UTC)
    if left < SOON:
        raise Wrong(f"it ends in {left.days} days, and nobody renews it (A1)", mend)
    return f"accepted; it ends in {left.days} days"


async def _wanted(settings: Settings, policy: Policy, environments: Iterable[str]) -> list[str]:
    listing = await discovered(settings, policy)
    return sorted(policy.application(app, env) for app, env in listing.overlays if env in set(environments))


def _present(wanted: list[str], seen: dict[str, Application]) -> list[Application]:
    if missing := [name for name in wanted if name not in seen]:
        raise Wrong(
            f"no Application {_some(missing)}",
            "Create them, or mend `argocd.application` in the policy; a token also hides what it may not get.",
        )
    return [seen[name] for name in wanted]


async def _permitted(argocd: ArgoCD, applications: list[Application]) -> str:
    turns = asyncio.Semaphore(AT_ONCE)

    async def may(app: Application, action: str) -> bool:
        async with turns:
            return await argocd.may(action, app.ref)

    asked = applications[:ASKED]
    for action in ("get", "sync"):
        answers = await asyncio.gather(*(may(app, action) for app in asked))
        if refused := [app.ref.name for app, yes in zip(asked, answers, strict=True) if not yes]:
            raise Wrong(
                f"the token may not {action} {_some(refused)}",
                f"Give its role `p, …, applications, {action}, <project>/*, allow` in the AppProject.",
            )
    return f"{len(applications)} are there, to get and to sync"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
