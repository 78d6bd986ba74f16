"""All receivers and their worker, put together."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.routing import Route

from bot.domain.caller import Target
from bot.domain.pipeline import PipelineRun
from bot.notify import Bulletins
from bot.notify.audience import of_trouble
from bot.overlays.catalog import Catalog
from bot.policy import Policy
from bot.ports import Directory, Pipelines
from bot.queries.pipeline_holds import PipelineHolds
from bot.settings import Settings
from bot.store.webhooks import WebhookStore
from bot.views.alerts import set_aside
from bot.webhooks.alertmanager import AlertmanagerWebhook, Quiet
from bot.webhooks.alertmanager import nobody_waits as no_gate_waits
from bot.webhooks.github import Committed, GitHubWebhook
from bot.webhooks.harbor import HarborWebhook, Stored
from bot.webhooks.pipeline_hold import PipelineHold
from bot.webhooks.receiver import Receiver
from bot.webhooks.sender import Sender
from bot.webhooks.tekton import Heard, TektonWebhook
from bot.webhooks.worker import Worker

log = structlog.get_logger()
SENDERS: tuple[type[Sender], ...] = (GitHubWebhook, HarborWebhook, AlertmanagerWebhook, TektonWebhook)
"""whom `open_webhooks` listens to"""

Wake = Callable[[str, str], Awaitable[object]]


async def nobody_waits(digest: str, repository: str) -> None:
    """Gates that wait for a scan ask again by themselves, within a minute."""
    log.debug("webhook.scan_over", digest=digest, repository=repository)


Pushed = Callable[[], Awaitable[object]]


async def nobody_observes() -> None:
    """The branch is asked for its head every few seconds in any case."""


async def nobody_records(*what: object) -> None:
    """Nothing hangs on it but the delivery record."""
    log.debug("webhook.not_recorded", what=what)


def nobody_hears(run: PipelineRun) -> None:
    """The watch tells of the same."""
    log.debug("webhook.run", run=run.name)


@dataclass(frozen=True)
class Webhooks:
    """`routes` receive, and answer pipelines; `worker` works: run its `work_forever`."""

    routes: tuple[Route, ...]
    worker: Worker


@dataclass(frozen=True)
class Needs:
    """What the receivers work with.

    `wake` is told the digest and the repository of an image whose scan is over, `quiet` the app and the environment of
    an alert that is. `pushed` is called when the overlay branch has moved, `stored` when the registry has an image,
    `committed` when a source branch has moved, and `heard` with a pipeline run.
    """

    policy: Policy
    catalog: Catalog
    pipelines: Pipelines
    bulletins: Bulletins
    store: WebhookStore
    directory: Directory
    holds: PipelineHolds
    wake: Wake = nobody_waits
    quiet: Quiet = no_gate_waits
    pushed: Pushed = nobody_observes
    stored: Stored = nobody_records
    committed: Committed = nobody_records
    heard: Heard = nobody_hears


def open_webhooks(settings: Settings, needs: Needs, *, clock: Callable[[], float] = time.time) -> Webhooks:
    """`clock` counts seconds since the epoch."""

    async def moved(_commit: str) -> None:
        await needs.pushed()
        await needs.catalog.listing(fresh=True)

    senders: tuple[Sender, ...] = (
        GitHubWebhook(settings.github.repository, settings.git.branch, moved, needs.committed),
        HarborWebhook(needs.wake, needs.stored),
        AlertmanagerWebhook(needs.policy, needs.bulletins, needs.store, needs.quiet, clock=clock),
        TektonWebhook(needs.pipelines, needs.policy, needs.bulletins, needs.heard),
    )

    async def tell(sender: str, delivery: str, why: str) -> None:
        subject = f"aside:{hashlib.sha256(f'{sender} {delivery}'.encode()).hexdigest()[:40]}"
        places = await of_trouble(needs.policy, needs.directory)
        for place in places:
            await needs.bulletins.note(subject, place, set_aside(sender, delivery, why), Target())
        if not places:
            log.warning("webhook.nobody_to_tell", sender=sender, delivery=delivery)

    worker = Worker(needs.store, senders, tell, clock=clock)
    receivers = (
        Receiver(sender, settings.webhooks.credential(sender.setting), needs.store, worker.noted.set, clock=clock)
        for sender in senders
    )
    hold = PipelineHold(needs.holds, settings.webhooks.credential("pipeline_token"))
    return Webhooks((*(receiver.route() for receiver in receivers), hold.route()), worker)
