"""The whole outside world in one process: every stand-in on a socket of its own, and the bot beside them."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from integrations.sandbox import overview
from integrations.sandbox.argocd import ArgoCDServer
from integrations.sandbox.argocd.cluster import ByHand
from integrations.sandbox.bot_process import BotProcess, slack_manifest
from integrations.sandbox.build import Builds, InCluster
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.git import GitServer
from integrations.sandbox.harbor import HarborServer, Webhook
from integrations.sandbox.history import History
from integrations.sandbox.kubernetes import KubernetesServer
from integrations.sandbox.kubernetes.controller import TektonController
from integrations.sandbox.platform import (
    ARGOCD,
    BOT_ACCESS,
    DEPLOY,
    OVERLAY_REPOSITORY,
    TEKTON,
    app_files,
    manifests,
    robot_permissions,
    windows_away,
)
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.model import Shortcut, SlashCommand
from integrations.sandbox.slack.server import SlackServer
from integrations.sandbox.source import Hook, SourceRepository, shipped
from integrations.sandbox.triggers import EventListener

POLICY = Path(__file__).parent / "seed" / "pilothouse.yaml"
ROBOT = "robot$pilothouse"
LOOK_SECONDS = 0.3
SERVED = ("git", "harbor", "argocd", "kubernetes", "slack", "event_listener")
"""stand-ins, by their attributes of a World, each on a socket of its own"""
SOURCE = "my-app"
"""the app whose source repository is here"""
EVENT_SECRET = ("github-webhook", "secret")
"""the Secret, and the key in it, that the EventListener of deploy/ checks signatures with"""


@dataclass
class Secrets:
    """What each system wants to see; made anew for each world."""

    git: str = field(default_factory=lambda: f"git-{secrets.token_hex(16)}")
    argocd: str = field(default_factory=lambda: f"argocd-{secrets.token_hex(16)}")
    harbor: str = field(default_factory=lambda: f"harbor-{secrets.token_hex(16)}")
    kubernetes: str = field(default_factory=lambda: f"kube-{secrets.token_hex(16)}")
    slack_bot: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(16)}")
    slack_app: str = field(default_factory=lambda: f"xapp-{secrets.token_hex(16)}")
    signing: str = field(default_factory=lambda: secrets.token_hex(16))
    github_webhook: str = field(default_factory=lambda: secrets.token_hex(16))
    harbor_webhook: str = field(default_factory=lambda: secrets.token_hex(16))
    alertmanager_webhook: str = field(default_factory=lambda: secrets.token_hex(16))
    tekton_webhook: str = field(default_factory=lambda: secrets.token_hex(16))
    pipeline: str = field(default_factory=lambda: secrets.token_hex(16))
    event_listener: str = field(default_factory=lambda: secrets.token_hex(16))


class World:
    """`async with world(...)`: everything runs inside it. `data` is the only directory that is written to."""

    def __init__(self, data: Path, clock: Clock, bot_port: int, units: int = 0) -> None:
        self.data = data
        self.units = units
        """how many more apps there are than the page shows one by one"""
        self.clock = clock
        self.bot_port = bot_port
        self.faults = FaultSettings()
        self.secrets = Secrets()
        self.git = GitServer(data / "git", self.secrets.git, self.faults)
        self.source = SourceRepository(data / "git", SOURCE, self.secrets.git)
        self.harbor = HarborServer(clock, {}, self.faults)
        self.harbor.add_robot(ROBOT, self.secrets.harbor, ["apps"], robot_permissions())
        self.argocd = ArgoCDServer(self.git, clock, self.secrets.argocd, self.faults)
        self.kubernetes = KubernetesServer(clock, self.secrets.kubernetes, self.faults)
        self.slack = SlackServer(
            bot_token=self.secrets.slack_bot,
            app_token=self.secrets.slack_app,
            signing_secret=self.secrets.signing,
            faults=self.faults,
        )
        self.event_listener = EventListener(
            manifests(TEKTON), {EVENT_SECRET: self.secrets.event_listener.encode()}, self._create_run
        )
        self.signing_key = ec.generate_private_key(ec.SECP256R1())
        self.urls: dict[str, str] = {}
        self.bot = BotProcess({}, data / "bot.log", self.changed)
        self._seen: tuple[str, dict[str, Any], list[dict[str, Any]]] = ("", {}, [])
        self._runs: tuple[int, list[dict[str, Any]]] = (0, [])
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Called after anything in the world (but Slack, which tells by itself) has changed, until the result is."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def look(self) -> None:
        """Harbor and Kubernetes do not tell what changed in them: looks at them every `LOOK_SECONDS`, for ever."""
        before = None
        while True:
            now = (self.harbor.snapshot(), self._pipeline_runs())
            if before is not None and now != before:
                self.changed()
            before = now
            await asyncio.sleep(LOOK_SECONDS)

    def _pipeline_runs(self) -> list[dict[str, Any]]:
        """Made anew only after a write to the API server: each look would copy every run with all of its tasks."""
        version = self.kubernetes.store.version
        if version != self._runs[0]:
            self._runs = (version, overview.pipeline_runs(self.kubernetes))
        return self._runs[1]

    async def seed(self) -> None:
        """The platform's manifests, and what has happened before."""
        install(self.slack, await slack_manifest())
        await History(self.git, self.harbor, self.signing_key, self.clock.now(), app_files(), self.units).write()
        await self.source.create(shipped(SOURCE))
        self.source.git.on_push(lambda _: self.changed())
        self.kubernetes.load(manifests(TEKTON))
        self.kubernetes.load((DEPLOY / BOT_ACCESS).read_text())
        await self.argocd.load(windows_away(manifests(ARGOCD), self.clock.now()))
        await self.argocd.start_synced()
        self.git.on_push(lambda _: self.changed())
        self.argocd.on_change(self.changed)

    def connect(self) -> None:
        """What happens from now on sets off webhooks, as deploy/README.md has an administrator make them."""
        bot = f"http://127.0.0.1:{self.bot_port}/webhooks"
        self.harbor.add_webhook(Webhook(f"{bot}/harbor", self.secrets.harbor_webhook))
        self.source.tell([
            Hook(f"{self.urls['event_listener']}/github", self.secrets.event_listener),
            Hook(f"{bot}/github", self.secrets.github_webhook),
        ])  # fmt: skip

    def change_live(self, app: str, environment: str, by_hand: ByHand, *, lasts: bool) -> None:
        """Somebody uses kubectl on it. Raises ValueError for an app that is not there."""
        name = self._application(app, environment)
        try:
            self.argocd.change(name, by_hand, lasts=lasts)
        except LookupError as error:
            raise ValueError(f"{name}: {error}") from error

    def fall_ill(self, app: str, environment: str, seconds: float) -> None:
        """Its pods crash, and run well again after so long. Raises ValueError for an app that is not there."""
        name = self._application(app, environment)
        try:
            self.argocd.fall_ill(name, seconds)
        except LookupError as error:
            raise ValueError(f"{name}: {error}") from error

    async def sync_by_hand(self, app: str, environment: str, account: str, revision: str) -> None:
        """Somebody uses Argo CD's page, where a sync to another commit needs automated sync to be off (A15).

        Raises ValueError for an app that is not there, and with Argo CD's own words where it refuses.
        """
        name = self._application(app, environment)
        if revision:
            self.argocd.stop_syncing(name)
        headers = {"Authorization": f"Bearer {self.argocd.log_in(account)}"}
        path = f"{self.urls['argocd']}/api/v1/applications/{name}/sync"
        async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
            answer = await http.post(path, json={"revision": revision} if revision else {})
        if answer.is_error:
            raise ValueError(f"Argo CD refuses: {answer.json().get('message', answer.text)}")

    def annotate(self, app: str, environment: str, annotations: Mapping[str, str | None]) -> None:
        """On the Application. Raises ValueError for one that is not there."""
        self.argocd.annotate(self._application(app, environment), annotations)

    def annotate_project(self, project: str, annotations: Mapping[str, str | None]) -> None:
        """Raises ValueError for one that is not there."""
        if project not in self.argocd.store.projects:
            raise ValueError(f"Argo CD has no project {project}")
        self.argocd.annotate(project, annotations, project=True)

    def _application(self, app: str, environment: str) -> str:
        name = f"{app}-{environment}"
        if name not in self.argocd.store.applications:
            raise ValueError(f"Argo CD has no application {name}")
        return name

    async def _create_run(self, made: dict[str, Any]) -> None:
        """With the rights of the EventListener's service account, as the platform's RBAC grants them."""
        listener, metadata = self.event_listener, made["metadata"]
        token = self.kubernetes.service_account_token(listener.namespace, listener.service_account)
        path = f"/apis/{made['apiVersion']}/namespaces/{metadata['namespace']}/pipelineruns"
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {token}"}) as http:
            answer = await http.post(f"{self.urls['kubernetes']}{path}", json=made)
            answer.raise_for_status()

    def bot_settings(self) -> dict[str, str]:
        """The bot's environment: URLs and tokens, as a person would set them for the real systems."""
        policy = self.data / "pilothouse.yaml"
        if not policy.exists():
            policy.write_text(self._policy())
        kubeconfig = self.data / "kubeconfig.yaml"
        kubeconfig.write_text(json.dumps(self._kubeconfig()))
        kubeconfig.chmod(0o600)
        return {
            "PILOTHOUSE_POLICY_FILE": str(policy),
            "PILOTHOUSE_DATABASE_URL": f"sqlite:///{self.data / 'pilothouse.db'}",
            "PILOTHOUSE_DATA_DIR": str(self.data / "cache"),
            "PILOTHOUSE_HOST": "127.0.0.1",
            "PILOTHOUSE_PORT": str(self.bot_port),
            "PILOTHOUSE_FOLLOW_INTERVAL_SECONDS": "0.5",
            "PILOTHOUSE_SLACK__BOT_TOKEN": self.secrets.slack_bot,
            "PILOTHOUSE_SLACK__APP_TOKEN": self.secrets.slack_app,
            "PILOTHOUSE_SLACK__SIGNING_SECRET": self.secrets.signing,
            "PILOTHOUSE_SLACK__API_URL": f"{self.urls['slack']}/api/",
            "PILOTHOUSE_ARGOCD__URL": self.urls["argocd"],
            "PILOTHOUSE_ARGOCD__TOKEN": self.secrets.argocd,
            "PILOTHOUSE_ARGOCD__PROJECT": "apps",
            "PILOTHOUSE_HARBOR__URL": self.urls["harbor"],
            "PILOTHOUSE_HARBOR__HOSTS": "harbor.example.com",
            "PILOTHOUSE_HARBOR__USERNAME": ROBOT,
            "PILOTHOUSE_HARBOR__PASSWORD": self.secrets.harbor,
            "PILOTHOUSE_HARBOR__PROBE": "apps/my-app",
            "PILOTHOUSE_KUBERNETES__KUBECONFIG": str(kubeconfig),
            "PILOTHOUSE_KUBERNETES__NAMESPACE": "ci",
            "PILOTHOUSE_KUBERNETES__SERVICE_ACCOUNT": "ci-pipeline",
            "PILOTHOUSE_KUBERNETES__FS_GROUP": "1000",
            "PILOTHOUSE_GIT__URL": f"{self.urls['git']}/deploy.git",
            "PILOTHOUSE_GIT__TOKEN": self.secrets.git,
            "PILOTHOUSE_GIT__ALIASES": json.dumps([OVERLAY_REPOSITORY]),
            "PILOTHOUSE_SECRETS_DIR": str(self._webhook_secrets()),
        }

    async def connected(self, patience: float = 60) -> bool:
        """Wait until the bot hears Slack, or has ended, for at most `patience` seconds. Whether it hears it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self.slack.connections and self.bot.running:  # noqa: ASYNC110 (another process)
                    await asyncio.sleep(0.05)
        return bool(self.slack.connections)

    async def snapshot(self) -> dict[str, Any]:
        """What the page's panel shows."""
        head = await self.git.head()
        if head != self._seen[0]:
            self._seen = (head, await overview.overlays(self.git, head), await self.git.log(20))
        applications = self.argocd.snapshot()
        return {
            "overlays": self._seen[1],
            "commits": self._seen[2],
            "source": await self.source.snapshot(),
            "applications": [one for one in applications if not overview.is_unit(one)],
            "units": overview.units(applications),
            "artifacts": self.harbor.snapshot(),
            "pipelineruns": self._pipeline_runs(),
            "bot": {**self.bot.snapshot(), "url": f"http://127.0.0.1:{self.bot_port}"},
            "faults": self.faults.as_json(),
        }

    def _webhook_secrets(self) -> Path:
        """As mounted files, so that a person may send the bot a webhook, too."""
        directory = self.data / "secrets"
        directory.mkdir(mode=0o700, exist_ok=True)
        for name, secret in {
            "github_secret": self.secrets.github_webhook,
            "harbor_token": self.secrets.harbor_webhook,
            "alertmanager_token": self.secrets.alertmanager_webhook,
            "tekton_token": self.secrets.tekton_webhook,
            "pipeline_token": self.secrets.pipeline,
        }.items():
            (directory / f"webhooks__{name}").write_text(secret)
        return directory

    def _policy(self) -> str:
        public = self.signing_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return Template(POLICY.read_text()).substitute(COSIGN_PUBLIC_KEY=json.dumps(public.decode()))

    def _kubeconfig(self) -> dict[str, Any]:
        token = self.kubernetes.service_account_token("pilothouse", "pilothouse")
        named = {"name": "sandbox"}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "sandbox",
            "clusters": [{**named, "cluster": {"server": self.urls["kubernetes"]}}],
            "users": [{**named, "user": {"token": token}}],
            "contexts": [{**named, "context": {"cluster": "sandbox", "user": "sandbox", "namespace": "ci"}}],
        }


def install(slack: SlackServer, manifest: dict[str, Any]) -> None:
    """The app as an administrator installs it from its manifest: commands, shortcuts, scopes and events, no more."""
    slack.commands = [
        SlashCommand(c["command"], c.get("description", ""), c.get("usage_hint", ""), c.get("should_escape", False))
        for c in manifest["features"]["slash_commands"]
    ]
    slack.config.shortcuts = tuple(
        Shortcut(s["callback_id"], s["type"], s["name"], s["description"]) for s in manifest["features"]["shortcuts"]
    )
    slack.config.bot_scopes = tuple(manifest["oauth_config"]["scopes"]["bot"])
    slack.config.events = frozenset(manifest["settings"]["event_subscriptions"]["bot_events"])


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """Everything up, the bot included; all of it ends with the block."""
    async with AsyncExitStack() as stack:
        await world.seed()
        for name in SERVED:
            world.urls[name] = await stack.enter_async_context(serve(getattr(world, name).app))
        world.slack.public_url = world.urls["slack"]
        world.connect()
        stack.push_async_callback(world.slack.aclose)
        stack.push_async_callback(world.harbor.close)
        in_cluster = InCluster(f"http://127.0.0.1:{world.bot_port}", world.secrets.pipeline)
        hooks = Builds(world.git, world.harbor, world.signing_key, in_cluster).hooks()
        await stack.enter_async_context(TektonController(world.kubernetes, world.clock, hooks, world.faults))
        controller = asyncio.create_task(world.argocd.run())
        stack.callback(controller.cancel)
        stack.callback(asyncio.create_task(world.look()).cancel)
        world.bot = BotProcess(world.bot_settings(), world.data / "bot.log", world.changed)
        await world.bot.start()
        stack.push_async_callback(world.bot.stop)
        yield world
