"""Kubernetes: every verb that the bot uses, as the cluster itself answers for it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bot.doctor.finding import Check, Skipped, Wrong
from bot.domain.errors import IntegrationError
from bot.settings import Settings
from integrations.tekton.probe import ClusterProbe, Right

SYSTEM = "Kubernetes"

IN_NAMESPACE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("tekton.dev", "pipelineruns"): ("get", "list", "watch", "create", "patch"),
    ("tekton.dev", "taskruns"): ("get", "list", "watch"),
    ("tekton.dev", "customruns"): ("get",),
    ("tekton.dev", "pipelines"): ("get",),
    ("", "pods/log"): ("get",),
}
"""(API group, resource) → verbs, in the namespace of the runs; deploy/bot/base/rbac.yaml grants exactly these."""


@asynccontextmanager
async def cluster(settings: Settings) -> AsyncIterator[ClusterProbe]:
    async with ClusterProbe(settings.kubernetes) as probe:
        yield probe


def checks(settings: Settings, probe: ClusterProbe) -> tuple[Check, ...]:
    file = settings.kubernetes.kubeconfig
    rights = [
        Right(verb, group, resource, settings.kubernetes.namespace)
        for (group, resource), verbs in IN_NAMESPACE.items()
        for verb in verbs
    ]

    async def reachable() -> str:
        if file and not file.is_file():
            raise Wrong(f"there is no file {file}", "Fix PILOTHOUSE_KUBERNETES__KUBECONFIG.")
        await probe.may(rights[0])
        return "it answers"

    async def permissions() -> str:
        try:
            return await _permitted(probe, rights)
        except IntegrationError as error:
            raise Skipped("the cluster must answer first") from error

    return (
        Check(
            SYSTEM,
            "reachable",
            reachable,
            "Check PILOTHOUSE_KUBERNETES__KUBECONFIG (or the pod's service account), and that the cluster is up.",
        ),
        Check(SYSTEM, "permissions", permissions, ""),
    )


async def _permitted(probe: ClusterProbe, rights: list[Right]) -> str:
    answers = await asyncio.gather(*map(probe.may, rights))
    where = f"in {rights[0].namespace}"
    if refused := [right for right, yes in zip(rights, answers, strict=True) if not yes]:
        raise Wrong(
            f"may not {_named(refused)} {where}",
            "Bind the bot's account to the role of deploy/bot/base/rbac.yaml, in that namespace.",
        )
    return f"{_named(rights)} {where}"


def _named(rights: list[Right]) -> str:
    """ "get, list runs; get pods/log"."""
    by_resource: dict[str, list[str]] = {}
    for right in rights:
        by_resource.setdefault(right.resource, []).append(right.verb)
    return "; ".join(f"{', '.join(verbs)} {resource}" for resource, verbs in by_resource.items())
