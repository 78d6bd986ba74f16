"""Every part, made from what it needs."""

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
from bot.background.wake_ups import WakeUps
from bot.command import Registry
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
from bot.promotions.tags import Tags
from bot.promotions.watcher import Watcher
from bot.queries.runs import RunFollowing, Runs
from bot.router import Router, bolt_app
from bot.runtime.redaction import Redactor
from bot.settings import Settings
from bot.store.followed_runs import FollowedRunStore
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
    ground = await lay_foundation(settings, policy, stack)
    outside = ground.outside
    committer = Committer(outside.overlays, outside.overlays, outside.registry)
    desk, engine = _promotion_desk(ground, committer)
    queue = _queue(ground, desk)
    bulletins = Bulletins(ground.messages, outside.messenger)
    runs = Runs(outside.tekton, policy, Redactor(settings.secrets))
    followed, built = FollowedRunStore(ground.database), Builds(policy, outside.argocd).arrived
    run_cards = RunCards(outside.tekton, followed, bulletins, runs.failure, built)
    desks = _desks(ground)
    offered: dict[Any, Any] = {
        **to_commands(ground, desk),
        **desks.services,
        Scheduler: Scheduler(desk, queue),
        Runs: runs,
        RunFollowing: run_cards,
    }
    router = Router(Registry.load(commands), offered)
    slack = settings.slack
    waker = WakeUps(ground.store, engine)
    needs = Needs(
        policy,
        ground.catalog,
        outside.tekton,
        bulletins,
        WebhookStore(ground.database),
        outside.directory,
        wake=waker.image,
        quiet=waker.place,
    )
    return Pilothouse(
        settings=settings,
        database=ground.database,
        router=router,
        bolt=bolt_app(router, outside.slack.client, slack.credential("bot_token"), slack.credential("signing_secret")),
        engine=engine,
        desk=desk,
        outbox=ground.outbox,
        begin=ground.begin,
        queue=queue,
        name_channels=partial(ground.channels.learn, policy, outside.messenger.channel_id),
        run_cards=run_cards,
        replicas=_replicas(ground, engine),
        webhooks=open_webhooks(settings, needs),
        housekeeping=desks.housekeeping,
        lookout=OverlayWatch(ground.store, engine, outside.overlays, committer),
    )


def journal_url(settings: Settings) -> str:
    """The durable journal: beside the tables in Postgres, in a file of its own beside SQLite's."""
    url = settings.database_url
    return f"{url}.journal" if url.startswith("sqlite") else url


def _promotion_desk(ground: Foundation, committer: Committer) -> tuple[PromotionService, DurableEngine]:
    outside, policy = ground.outside, ground.policy
    panel = Panel(load_gates(to_gates(ground)), policy)
    targets = RollbackTargets(outside.overlays, ground.catalog, ground.store, Tags(outside.registry))
    planner = Planner(ground.catalog, outside.registry, policy, panel, targets, Changes(outside.sources))
    eligibility = Eligibility(policy, Delegates(ground.words.delegations, policy, outside.directory))
    steps = _steps(ground, committer, panel, planner, eligibility)
    story = Story(steps, policy)
    engine = DurableEngine(journal_url(ground.settings), ground.settings.replica, story)
    desk = PromotionService(
        ground.database,
        ground.store,
        ground.audit,
        engine,
        planner,
        targets,
        panel,
        policy,
        eligibility,
        Orphans(steps, engine),
    )
    return desk, engine


def _steps(ground: Foundation, committer: Committer, panel: Panel, planner: Planner, eligibility: Eligibility) -> Steps:
    outside, policy, words = ground.outside, ground.policy, ground.words
    pace = ground.settings.follow_interval_seconds
    announcer = Announcer(ground.outbox, policy, ground.subscriptions, ground.channels)
    return Steps(
        record=Record(ground.database, ground.store, ground.audit, announcer),
        cards=Cards(ground.messages, outside.messenger, policy),
        nudges=Reminders(outside.messenger, policy),
        directory=outside.directory,
        policy=policy,
        panel=panel,
        eligibility=eligibility,
        committer=committer,
        follower=Follower(outside.argocd, outside.overlays, pace, outside.argocd),
        watcher=Watcher(outside.argocd, outside.alerts, pace * WATCH_PACE),
        aftermath=FollowUps(planner, ground.store, words.locks, words.reviews, policy, ground.begin),
        pull_requests=PullRequestSteps(outside.overlays, committer, outside.pull_requests, pull_request_body),
    )


def _desks(ground: Foundation) -> SafetyServices:
    return SafetyServices.open(
        ground.words,
        Ledger(ground.database, ground.audit, ground.outbox, ground.policy),
        ground.policy,
        ground.catalog,
        registry=ground.outside.registry,
        contents=ground.outside.registry,
        whereabouts=ground.whereabouts,
        directory=ground.outside.directory,
    )


def _queue(ground: Foundation, desk: PromotionService) -> PromotionQueue:
    news = DirectQueueNews(ground.outbox)
    return PromotionQueue(
        ground.database, QueueStore(ground.database), ground.store, ground.audit, desk, ground.outside.directory, news
    )


def _replicas(ground: Foundation, engine: DurableEngine) -> Replicas | None:
    if ground.database.sqlite:
        return None
    return Replicas(ReplicaStore(ground.database), engine, ground.settings.replica)
