"""Argo CD: reachable, its token good for a while, and an Application for every overlay that we may read and sync."""

import asyncio
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.app.clients import overlay_branch
from bot.doctor.finding import Check, Wrong, once_reached
from bot.doctor.overlays import discovered, repository
from bot.doctor.policy import PolicyFile
from bot.domain.application import Application
from bot.domain.source import HEAD, OverlayBranch, astray
from bot.policy import Policy
from bot.settings import ArgoCDSettings, Settings
from bot.views.words import count
from integrations.argocd import ArgoCD

SOON = timedelta(days=7)
NAMES = ("metadata.name", "spec")
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
        _needs_url(own, prefix)
        wanted = await _wanted(settings, policy, environments)
        async with ArgoCD(own) as argocd:
            seen = {app.ref.name: app for app in await argocd.list("", fields=NAMES)}
            present = _present(list(wanted), seen)
            _following(wanted, present, await _ours(settings, present))
            return await _permitted(argocd, present)

    return (
        Check(system, "reachable", lambda: _reachable(own, prefix), f"Check {prefix}URL, and that it is up."),
        Check(system, "token", lambda: _token(own, prefix, token), token),
        Check(
            system, "applications", applications, f"Check the Applications in {system}, and what its token may read."
        ),
    )


def _needs_url(own: ArgoCDSettings, prefix: str) -> None:
    if not own.url:
        raise Wrong("no URL is set", f"Set {prefix}URL.")


async def _reachable(own: ArgoCDSettings, prefix: str) -> str:
    _needs_url(own, prefix)
    async with ArgoCD(own) as argocd:
        return f"version {await argocd.version()}"


async def _token(own: ArgoCDSettings, prefix: str, fix: str) -> str:
    if not own.credential("token"):
        raise Wrong("no token is set", fix)
    _needs_url(own, prefix)
    async with ArgoCD(own) as argocd:
        with once_reached("Argo CD"):
            await argocd.list("", fields=NAMES[:1])
        expires = argocd.token_expires()
    if expires is None:
        return "accepted; it never expires"
    left = expires - datetime.now(UTC)
    if left < SOON:
        raise Wrong(f"it expires in {count(left.days, 'day')}, and nothing renews it", fix)
    return f"accepted; it expires in {count(left.days, 'day')}"


async def _wanted(settings: Settings, policy: Policy, environments: Iterable[str]) -> dict[str, str]:
    """Application → the directory of its overlay, by name."""
    overlays, chosen = (await discovered(settings, policy)).overlays, set(environments)
    found = {policy.application(app, env): its.path for (app, env), its in overlays.items() if env in chosen}
    return {name: posixpath.dirname(found[name]) for name in sorted(found)}


def _present(wanted: list[str], seen: dict[str, Application]) -> list[Application]:
    missing = [name for name in wanted if name not in seen]
    if own := [name for name in missing if _of_own_namespace(name, seen)]:
        raise Wrong(
            f"Argo CD's own namespace is part of the name of {_some(own)}: the bot hears nothing of it",
            "Leave the namespace out of `argocd.application` in the policy: only other namespaces are named.",
        )
    if missing:
        raise Wrong(
            f"no Application {_some(missing)}",
            "Create them, or fix `argocd.application` in the policy. Argo CD also hides what the token may not read.",
        )
    return [seen[name] for name in wanted]


def _of_own_namespace(name: str, seen: dict[str, Application]) -> bool:
    """Lists and the stream name what is in Argo CD's own namespace without it (A11)."""
    namespace, _, bare = name.rpartition("/")
    return bool(namespace) and bare in seen and seen[bare].url.endswith(f"/{namespace}/{bare}")


async def _ours(settings: Settings, applications: Iterable[Application]) -> OverlayBranch:
    """What HEAD names is asked only where an Application follows it."""
    ours = overlay_branch(settings)
    if not any(source.revision in HEAD for app in applications for source in app.sources):
        return ours
    async with repository(settings) as source:
        return replace(ours, default=await source.default_branch())


def _following(directories: Mapping[str, str], applications: list[Application], ours: OverlayBranch) -> None:
    """Raises Wrong for Applications that would never see a commit to their overlay."""
    why = {app.ref.name: astray(app.sources, ours, directories[app.ref.name]) for app in applications}
    if wrong := [f"{name} {reason}" for name, reason in why.items() if reason]:
        raise Wrong(
            f"what is committed never reaches {_some(wrong)}",
            "Point each at its overlay in Argo CD; PILOTHOUSE_GIT__ALIASES takes other URLs of the same repository.",
        )


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
    told = f"{len(applications)} found; the token may read and sync them"
    by_hand = [app for app in asked if not app.auto_sync]
    may_override = await asyncio.gather(*(may(app, "override") for app in by_hand))
    if held := [app.ref.name for app, yes in zip(by_hand, may_override, strict=True) if not yes]:
        # The API does not tell the setting. From Argo CD 3.2 on it makes a sync at a commit an override.
        told += (
            f"; {_some(held)} without auto-sync: where `application.sync.requireOverridePrivilegeForRevisionSync` is "
            "true, their sync needs `applications, override`, too"
        )
    return told


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
