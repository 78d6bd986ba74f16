"""What the selects of modals offer while the person types."""

from bot.domain.caller import Caller, Permission, Target
from bot.domain.form import Input
from bot.domain.image import Artifact
from bot.domain.intent import Context, Rollback
from bot.domain.pipeline import PipelineRun
from bot.domain.promotion import Promotion
from bot.domain.reply import Choice, RollbackChoice
from bot.domain.safety import Rejection, Review
from bot.overlays.catalog import Catalog
from bot.policy import Policy, may
from bot.ports import Pipelines, Registry
from bot.promotions.promotions import Promotions
from bot.queries.holds import HoldsQuery
from bot.queries.runs import target_of
from bot.router.forms import values_of
from bot.router.incoming import Body

IMAGES = 50
PROMOTIONS = (Input.PROMOTION, Input.LIVE, Input.TRAIN, Input.REVIEW)
RUNS = 50


class Suggestions:
    """Only of apps that the caller may view."""

    def __init__(
        self,
        catalog: Catalog,
        policy: Policy,
        registry: Registry,
        promotions: Promotions,
        pipelines: Pipelines,
        holds: HoldsQuery,
    ) -> None:
        self._holds = holds
        self._pipelines = pipelines
        self._catalog = catalog
        self._policy = policy
        self._registry = registry
        self._promotions = promotions

    async def choices(self, body: Body, caller: Caller, context: Context) -> tuple[Choice, ...]:
        """Raises UserError and IntegrationError; an unknown select has no choices."""
        chosen = values_of(body.get("view") or {})
        app, environment = chosen.get(Input.APP, ""), chosen.get(Input.ENVIRONMENT, "")
        if body.get("action_id") in PROMOTIONS:
            return await self._promotion(body["action_id"], caller)
        if body.get("action_id") == Input.REJECTED:
            return tuple(_rejected(one) for one in (await self._holds.holds(caller)).rejections)
        if body.get("action_id") == Input.APP and (train := chosen.get(Input.TRAIN)):
            going = (await self._promotions.find(train, caller, whole=True)).apps
            return tuple(Choice(name, name) for name in going)
        if body.get("action_id") == Input.APP:
            return tuple(Choice(name, name) for name in await self._catalog.apps() if self._sees(caller, name))
        if body.get("action_id") == Input.RUN:
            runs = await self._pipelines.list("", RUNS)
            return tuple(_run(run) for run in runs if may(self._policy, caller, Permission.VIEW, target_of(run)))
        if not app or not self._sees(caller, app, environment):
            return ()
        if body.get("action_id") == Input.IMAGE:
            return await self._images(app, environment)
        if body.get("action_id") == Input.TO and environment:
            ask = Rollback(context=context, app=app, environment=environment, choose=True)
            return tuple(_past(choice) for choice in await self._promotions.rollback_choices(ask))
        return ()

    async def _promotion(self, which: str, caller: Caller) -> tuple[Choice, ...]:
        if which == Input.REVIEW:
            return tuple(_owed(review) for review in (await self._holds.holds(caller)).reviews)
        found = await self._promotions.recent(caller, live=which != Input.PROMOTION)
        return tuple(_listed(one) for one in found if which != Input.TRAIN or len(one.plan.apps) > 1)

    def _sees(self, caller: Caller, app: str, environment: str = "") -> bool:
        return may(self._policy, caller, Permission.VIEW, Target(app, environment))

    async def _images(self, app: str, environment: str) -> tuple[Choice, ...]:
        pinned = await self._catalog.images(app, environment or self._catalog.environments[0].name)
        newest = await self._registry.newest(pinned[0].repository, IMAGES) if pinned else ()
        return tuple(_image(artifact) for artifact in newest)


def _image(artifact: Artifact) -> Choice:
    image = artifact.image
    when = f" · {artifact.pushed_at:%Y-%m-%d %H:%M} UTC" if artifact.pushed_at else ""
    tags = ", ".join(artifact.tags)
    return Choice(image.tag or image.digest, f"{tags or image.short_digest} · {image.short_digest}{when}")


def _run(run: PipelineRun) -> Choice:
    when = f" · {run.created_at:%Y-%m-%d %H:%M} UTC" if run.created_at else ""
    return Choice(run.name, f"{run.name} · {run.status}{when}")


def _listed(promotion: Promotion) -> Choice:
    plan = promotion.plan
    to = ", ".join(dict.fromkeys(move.after.label for move in promotion.moves))
    return Choice(plan.id, f"{plan.id} · {', '.join(promotion.apps)} → {plan.environment} · {to}")


def _owed(review: Review) -> Choice:
    what = f"{', '.join(review.apps)} in {review.environment}"
    return Choice(review.promotion_id, f"{review.promotion_id} · {what} · {review.by.name}")


def _rejected(rejection: Rejection) -> Choice:
    return Choice(rejection.label, f"{rejection.label} · {rejection.reason}")


def _past(choice: RollbackChoice) -> Choice:
    image = choice.image
    to = image.digest or image.tag or choice.commit.sha
    return Choice(to, f"{image.label} · since {choice.since:%Y-%m-%d %H:%M} · {choice.commit.short}")
