"""Every part, made from what it needs."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import commands
from bot.app.foundation import Foundation, lay_foundation
from bot.app.parts import Pilothouse
from bot.app.safety import SafetyServices
from bot.app.services import to_commands, to_gates
from bot.background.builds import Builds
from bot.background.overlay_watch import OverlayWatch
from bot.background.replicas import Replicas
from bot.background.roster import RosterUpdates
from bot.background.wake_ups import WakeUps
from bot.command import CommandRegistry
from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.branch_observer import BranchObserver
from bot.deliveries.observers import LeasedObserver
from bot.deliveries.overlay_changes import OverlayChanges
from bot.deliveries.places import ApplicationNames
from bot.deliveries.recorder import Recorder
from bot.evaluation.loading import load_gates
from bot.evaluation.panel import Panel
from bot.notify.announcer import Announcer
from bot.notify.bulletins import Bulletins
from bot.notify.cards import Cards
from bot.notify.ledger import Ledger
from bot.notify.queue_news import DirectQueueNews
from bot.notify.reminders import Reminders
from bot.notify.run_cards import RunCards
from bot.policy import Policy
from bot.promotions.approvers import Approvers
from bot.promotions.committer import Committer
from bot.promotions.delegates import Delegates
from bot.promotions.eligibility import Eligibility
from bot.promotions.follow_up import FollowUps
from bot.promotions.follower import Follower
from bot.promotions.planner import Planner
from bot.promotions.pull_requests import PullRequestSteps
from bot.promotions.queue import PromotionQueue
from bot.promotions.record import Record
from bot.promotions.rollback_targets import RollbackTargets
from bot.promotions.scheduler import Scheduler
from bot.promotions.source_changes import Changes
from bot.promotions.synced import SyncHistory
from bot.promotions.tags import Tags
from bot.promotions.watcher import Watcher
from bot.queries.pipeline_holds import PipelineHolds
from bot.queries.runs import RunFollowing, Runs
from bot.router import Router, bolt_app
from bot.runtime.redaction import Redactor
from bot.settings import Settings
from bot.store.followed_runs import FollowedRunStore
from bot.store.leases import LeaseStore
from bot.store.queue import QueueStore
from bot.store.replicas import ReplicaStore
from bot.store.webhooks import WebhookStore
from bot.views import pull_request_body
from bot.webhooks import Needs, open_webhooks
from bot.workflow.durable import DurableEngine
from bot.workflow.orphans import Orphans
from bot.workflow.service import PromotionService
from bot.workflow.steps import Steps
from bot.workflow.story import Story

WATCH_PACE = 5
"""Watching after a promotion is this much slower than following it."""


async def assemble(settings: Settings, policy: Policy, stack: AsyncExitStack) -> Pilothouse:
    """Make every part, and ask nobody yet; `stack` takes apart what must be."""
    foundation = await lay_foundation(settings, policy, stack)
    outside = foundation.outside
    committer = Committer(outside.overlays, outside.overlays, outside.registry)
    panel = Panel(load_gates(to_gates(foundation)), policy)
    service, engine = _promotion_service(foundation, committer, panel)
    holds = PipelineHolds(panel, policy, asks=bool(settings.webhooks.credential("pipeline_token")))
    queue = _queue(foundation, service)
    bulletins = Bulletins(foundation.messages, outside.messenger)
    runs = Runs(outside.tekton, policy, Redactor(settings.secrets))
    followed, built = FollowedRunStore(foundation.database), Builds(policy, outside.argocd).arrived
    run_cards = RunCards(outside.tekton, outside.tekton, followed, bulletins, runs.failure, holds.told, built)
    safety_services = _safety_services(foundation)
    offered: dict[Any, Any] = {
        **to_commands(foundation, service),
        **safety_services.services,
        Scheduler: Scheduler(service, queue),
        Runs: runs,
        RunFollowing: run_cards,
        PipelineHolds: holds,
    }
    router = Router(CommandRegistry.load(commands), offered)
    slack = settings.slack
    recorder = Recorder(foundation.database, foundation.deliveries)
    branch_observer = _branch_observer(foundation, recorder)
    wake_ups = WakeUps(foundation.store, engine)
    needs = Needs(
        policy,
        foundation.catalog,
        outside.tekton,
        bulletins,
        WebhookStore(foundation.database),
        outside.directory,
        holds,
        wake=wake_ups.image,
        quiet=wake_ups.place,
        pushed=branch_observer.pushed,
    )
    return Pilothouse(
        settings=settings,
        database=foundation.database,
        router=router,
        bolt=bolt_app(router, outside.slack.client, slack.credential("bot_token"), slack.credential("signing_secret")),
        engine=engine,
        service=service,
        outbox=foundation.outbox,
        begin=foundation.begin,
        queue=queue,
        name_channels=partial(foundation.channels.learn, policy, outside.messenger.channel_id),
        roster=RosterUpdates(policy, outside.directory),
        run_cards=run_cards,
        hears_runs=outside.tekton.following,
        replicas=_replicas(foundation, engine),
        webhooks=open_webhooks(settings, needs),
        housekeeping=safety_services.housekeeping,
        requests=foundation.words.requests,
        overlay_watch=OverlayWatch(foundation.store, engine, outside.overlays, committer),
        branch_observer=branch_observer,
        application_observers=tuple(_application_observers(foundation, recorder)),
    )


def journal_url(settings: Settings) -> str:
    """The durable journal: beside the tables in Postgres, in a file of its own beside SQLite's."""
    url = settings.database_url
    return f"{url}.journal" if url.startswith("sqlite") else url


def _promotion_service(
    foundation: Foundation, committer: Committer, panel: Panel
) -> tuple[PromotionService, DurableEngine]:
    outside, policy = foundation.outside, foundation.policy
    history = SyncHistory(outside.argocd, outside.overlays, policy)
    targets = RollbackTargets(outside.overlays, foundation.catalog, foundation.store, Tags(outside.registry), history)
    planner = Planner(foundation.catalog, outside.registry, policy, panel, targets, Changes(outside.sources))
    eligibility = Eligibility(policy, Delegates(foundation.words.delegations, policy, outside.directory))
    steps = _steps(foundation, committer, panel, planner, eligibility)
    story = Story(steps, policy)
    engine = DurableEngine(journal_url(foundation.settings), foundation.settings.replica, story)
    service = PromotionService(
        foundation.database,
        foundation.store,
        foundation.audit,
        engine,
        planner,
        targets,
        panel,
        policy,
        eligibility,
        Orphans(steps, engine),
    )
    return service, engine


def _steps(
    foundation: Foundation, committer: Committer, panel: Panel, planner: Planner, eligibility: Eligibility
) -> Steps:
    outside, policy, words = foundation.outside, foundation.policy, foundation.words
    pace = foundation.settings.follow_interval_seconds
    announcer = Announcer(foundation.outbox, policy, foundation.subscriptions, foundation.channels)
    return Steps(
        record=Record(foundation.database, foundation.store, foundation.audit, announcer),
        cards=Cards(foundation.messages, outside.messenger, policy, foundation.copies),
        reminders=Reminders(outside.messenger, outside.messenger, foundation.messages, foundation.copies, policy),
        approvers=Approvers(policy, outside.directory, eligibility),
        directory=outside.directory,
        policy=policy,
        panel=panel,
        eligibility=eligibility,
        committer=committer,
        follower=Follower(outside.argocd, outside.overlays, pace, outside.argocd),
        watcher=Watcher(outside.argocd, outside.alerts, pace * WATCH_PACE),
        follow_ups=FollowUps(planner, foundation.store, words.locks, words.reviews, policy, foundation.begin),
        pull_requests=PullRequestSteps(outside.overlays, committer, outside.pull_requests, pull_request_body),
    )


def _safety_services(foundation: Foundation) -> SafetyServices:
    return SafetyServices.open(
        foundation.words,
        Ledger(foundation.database, foundation.audit, foundation.outbox, foundation.policy),
        foundation.policy,
        foundation.catalog,
        registry=foundation.outside.registry,
        contents=foundation.outside.contents,
        image_locations=foundation.image_locations,
        directory=foundation.outside.directory,
    )


def _queue(foundation: Foundation, service: PromotionService) -> PromotionQueue:
    news = DirectQueueNews(foundation.outbox)
    return PromotionQueue(
        foundation.database,
        QueueStore(foundation.database),
        foundation.store,
        foundation.audit,
        service,
        foundation.outside.directory,
        news,
    )


def _branch_observer(foundation: Foundation, recorder: Recorder) -> BranchObserver:
    source, policy = foundation.outside.overlays, foundation.policy
    return BranchObserver(source, OverlayChanges(source, policy), recorder, foundation.store, policy)


def _application_observers(foundation: Foundation, recorder: Recorder) -> Iterator[LeasedObserver]:
    """One for each Argo CD."""
    outside, policy = foundation.outside, foundation.policy
    for environments in outside.argocd.together(environment.name for environment in policy.environments):
        observer = ApplicationObserver(
            policy.rules("", environments[0]).argocd,
            environments,
            outside.argocd,
            outside.argocd,
            outside.overlays,
            ApplicationNames(foundation.catalog, policy, environments),
            OverlayChanges(outside.overlays, policy),
            foundation.deliveries,
            recorder,
            policy.deliveries.degraded_after,
            policy.deliveries.drift_after,
        )
        yield LeasedObserver(observer, outside.argocd, LeaseStore(foundation.database), foundation.settings.replica)


def _replicas(foundation: Foundation, engine: DurableEngine) -> Replicas | None:
    if foundation.database.sqlite:
        return None
    return Replicas(ReplicaStore(foundation.database), engine, foundation.settings.replica)
