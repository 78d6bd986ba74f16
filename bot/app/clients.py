"""The clients of the outside world, made from settings."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.app.outside import Outside
from bot.domain.errors import PolicyError
from bot.domain.source import OverlayBranch
from bot.policy import Policy
from bot.ports import HandlePins
from bot.settings import ArgoCDSettings, Settings
from integrations.alertmanager import Alertmanager
from integrations.argocd import ArgoCD, ArgoCDs
from integrations.charts import ProcessPainter
from integrations.cosign import Cosign
from integrations.customgate import CustomGateClient
from integrations.git import GitRemote
from integrations.github import GitHub
from integrations.github.api import web_url
from integrations.harbor import Harbor, HarborContents, HarborPulls
from integrations.oci import Oci
from integrations.registries import KnownContents, KnownPulls, KnownRegistry, KnownSignatures, known_hosts
from integrations.slack import SlackApi, SlackDirectory, SlackMessenger, SlackModals
from integrations.tekton import Tekton


@dataclass(frozen=True)
class Clients:
    """What only the composition root knows of the clients, beside the ports that the core sees."""

    outside: Outside
    slack: SlackApi
    messenger: SlackMessenger
    hears_runs: Callable[[], bool]
    """False while Tekton's watches are lost"""


async def open_clients(
    settings: Settings, policy: Policy, stack: AsyncExitStack, pins: HandlePins | None = None
) -> Clients:
    """Make every client; `stack` closes them. Connects to nothing yet."""
    slack = SlackApi(settings.slack.credential("bot_token"), settings.slack.api_url, tls=settings.slack)
    instances = argocd_instances(settings)
    argocd = ArgoCDs(instances[""], by_environment(policy, instances))
    harbor = Harbor(settings.harbor)
    oci = Oci(settings.harbor)
    hosts = known_hosts(settings.harbor)
    tekton = Tekton(settings.kubernetes)
    custom = CustomGateClient()
    closing: list[Callable[[], Awaitable[None]]] = [
        slack.aclose, argocd.aclose, harbor.aclose, oci.aclose, tekton.close, custom.aclose,
    ]  # fmt: skip
    github = GitHub(settings.github, settings.git.branch) if settings.github.repository else None
    overlays: GitHub | GitRemote = github or GitRemote(settings.git, settings.data_dir / "git")
    closing.append(overlays.aclose)
    alerts: Alertmanager | None = None
    if settings.alertmanager.url:
        alerts = Alertmanager(settings.alertmanager)
        closing.append(alerts.aclose)
    for close in closing:
        stack.push_async_callback(close)
    messenger = SlackMessenger(slack)
    outside = Outside(
        directory=SlackDirectory(slack, pins=pins),
        messenger=messenger,
        modals=SlackModals(slack),
        applications=argocd,
        registry=KnownRegistry(harbor, hosts),
        contents=KnownContents(HarborContents(harbor, oci), hosts),
        pulls=KnownPulls(HarborPulls(harbor, oci), hosts),
        signatures=KnownSignatures(Cosign(oci), hosts),
        overlays=overlays,
        overlay_branch=overlay_branch(settings),
        pipelines=tekton,
        custom_gates=custom,
        pull_requests=github,
        sources=github,
        alerts=alerts,
        charts=ProcessPainter(),
    )
    return Clients(outside, slack, messenger, tekton.following)


def argocd_instances(settings: Settings) -> dict[str, ArgoCD]:
    """By the name that policy gives them; "" is the default one."""
    named: dict[str, ArgoCDSettings] = {"": settings.argocd, **settings.argocd_instances}
    overlays = overlay_branch(settings)
    return {name: ArgoCD(own, overlays=overlays) for name, own in named.items()}


def overlay_branch(settings: Settings) -> OverlayBranch:
    """Where promotions are committed, by every URL that the Applications may name it with."""
    github = settings.github
    url = f"{web_url(github.api_url)}/{github.repository}" if github.repository else settings.git.url
    return OverlayBranch(tuple(filter(None, (url, *settings.git.aliases))), settings.git.branch)


def by_environment(policy: Policy, instances: Mapping[str, ArgoCD]) -> dict[str, ArgoCD]:
    """Raises PolicyError when policy names an Argo CD that settings do not have."""
    found = {}
    for environment in policy.environments:
        name = policy.rules("", environment.name).argocd
        if name not in instances:
            raise PolicyError(
                f"policy names the Argo CD {name!r} for {environment.name}: set PILOTHOUSE_ARGOCD_INSTANCES"
            )
        found[environment.name] = instances[name]
    return found
