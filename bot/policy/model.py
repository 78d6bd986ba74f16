"""The policy's values. A file of ten lines is a whole policy: everything but the bindings has a default."""

from collections.abc import Iterable

from pydantic import Field, PrivateAttr

from bot.domain.caller import Permission
from bot.domain.environment import Environment, careful
from bot.policy.parts import (
    USUAL_ALIASES,
    AppPart,
    ArgoCDPart,
    Binding,
    Channels,
    DeliveriesPart,
    EnvironmentPart,
    EnvironmentRules,
    OverlaysPart,
    PipelinePart,
    PolicyPart,
    Route,
)
from bot.policy.roster import Roster
from bot.policy.rules import JointRules, Rules
from bot.policy.windows import Timezone

DEFAULT_ROLES: dict[str, tuple[Permission, ...]] = {
    "viewer": (Permission.VIEW,),
    "engineer": (
        Permission.VIEW,
        Permission.PROMOTE,
        Permission.ROLLBACK,
        Permission.SYNC,
        Permission.RUN_PIPELINE,
        Permission.LOCK,
        Permission.SUBSCRIBE,
    ),
    "release-manager": (
        Permission.VIEW,
        Permission.PROMOTE,
        Permission.ROLLBACK,
        Permission.SYNC,
        Permission.RUN_PIPELINE,
        Permission.APPROVE,
        Permission.LOCK,
        Permission.FREEZE,
        Permission.SUBSCRIBE,
        Permission.REJECT_IMAGE,
    ),
    "admin": tuple(Permission),
}

DEFAULT_ENVIRONMENTS = tuple(EnvironmentPart(name=name) for name in USUAL_ALIASES)


class Policy(PolicyPart):
    """The whole of pilothouse.yaml. Everything that is left out is as these defaults say."""

    environments_: tuple[EnvironmentPart, ...] = Field(
        DEFAULT_ENVIRONMENTS, alias="environments", min_length=1, description="In promotion order."
    )
    apps: dict[str, AppPart] = Field({}, description="App → what differs for it.")
    roles: dict[str, tuple[Permission, ...]] = Field(DEFAULT_ROLES, description="Role → the permissions that it gives.")
    bindings: tuple[Binding, ...] = Field((), description="Who holds which role, where.")
    people: dict[str, tuple[str, ...]] = Field(
        {}, description="E-mail address in Slack → the other addresses that its owner commits with."
    )
    channels: Channels = Field(Channels(), description="Where news goes.")
    deliveries: DeliveriesPart = Field(DeliveriesPart(), description="What people hear of changes from elsewhere.")
    argocd: ArgoCDPart = Field(ArgoCDPart(), description="How Argo CD's Applications are called.")
    pipeline: PipelinePart = Field(PipelinePart(), description="What builds the images.")
    overlays: OverlaysPart = Field(OverlaysPart(), description="Where the overlays are in the repository.")
    timezone: Timezone = Field("UTC", description="Time zone of times that people type without one.")

    _roster: Roster = PrivateAttr(default_factory=Roster)

    @property
    def roster(self) -> Roster:
        """Who answers to the names in `bindings`, as the workspace told last."""
        return self._roster

    def learn(self, roster: Roster) -> None:
        self._roster = roster

    @property
    def environments(self) -> tuple[Environment, ...]:
        return tuple(part.at(order) for order, part in enumerate(self.environments_))

    @property
    def careful(self) -> frozenset[str]:
        """The environments in which a press asks once more."""
        return careful(self.environments)

    def rules(self, app: str, environment: str) -> Rules:
        """What holds for one app in one environment: the environment's rules, refined by the app's.

        Of an environment that is gone the defaults of a last one hold: what was begun there is shown, and ends.
        """
        named = [part.name for part in self.environments_]
        order = named.index(environment) if environment in named else len(named)
        part = self.environments_[order] if order < len(named) else EnvironmentPart(name=environment)
        own = self.apps.get(app, AppPart()).environments.get(environment, EnvironmentRules())
        before = named[order - 1] if order else ""
        last = order >= len(named) - 1
        return Rules(part, own, before=before, last=last, production=part.at(order).production)

    def rules_together(self, apps: Iterable[str], environment: str) -> JointRules:
        """What holds for apps that change together there."""
        return JointRules({app: self.rules(app, environment) for app in apps})

    def leads_back(self, origin: str, environment: str) -> bool:
        """Whether images may be promoted from a later environment to this one."""
        return any(origin in part.backwards_from for part in self.environments_ if part.name == environment)

    def application(self, app: str, environment: str) -> str:
        """The name of the Argo CD Application."""
        own = self.apps.get(app)
        template = (own.application if own else None) or self.argocd.application
        return template.format(app=app, environment=environment)

    def overlay_directory(self, app: str, environment: str) -> str:
        return self.overlays.path.format(app=app, environment=environment)

    def channels_for(self, app: str, environment: str, event: str) -> tuple[str, ...]:
        """Where an event is told, besides on its card: the app's channel and every route that matches."""
        own = self.apps.get(app, AppPart()).channel
        routed = (r.channel for r in self.channels.routes if _matches(r, app, environment) and _any(r.events, event))
        return tuple(dict.fromkeys([*([own] if own else []), *routed]))


def _matches(scope: Binding | Route, app: str, environment: str) -> bool:
    return _any(scope.apps, app) and _any(scope.environments, environment)


def _any(allowed: tuple[str, ...], word: str) -> bool:
    return not word or "*" in allowed or word in allowed


def covers(binding: Binding | Route, app: str, environment: str) -> bool:
    """Whether a binding or a route holds for a target; "" asks "for any at all"."""
    return _matches(binding, app, environment)
