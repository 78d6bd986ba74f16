"""Kubernetes: every verb that the bot uses, as the cluster itself answers for it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from bot.doctor.finding import Check, Wrong
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
    namespace = settings.kubernetes.namespace
    return tuple(
        Check(
            SYSTEM,
            resource,
            partial(_may, probe, [Right(verb, group, resource, namespace) for verb in verbs]),
            "Check PILOTHOUSE_KUBERNETES__KUBECONFIG (or the pod's service account), and that the cluster is up.",
        )
        for (group, resource), verbs in IN_NAMESPACE.items()
    )


async def _may(probe: ClusterProbe, rights: list[Right]) -> str:
    answers = await asyncio.gather(*map(probe.may, rights))
    where = f"in {rights[0].namespace}"
    if refused := [right.verb for right, yes in zip(rights, answers, strict=True) if not yes]:
        raise Wrong(
            f"may not {', '.join(refused)} {where}",
            "Bind the bot's account to the role of deploy/bot/base/rbac.yaml.",
        )
    return f"{', '.join(right.verb for right in rights)} {where}"
