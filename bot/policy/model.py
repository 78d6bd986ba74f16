"""The policy's values. A file of ten lines is a whole policy: everything but the bindings has a default."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from bot.domain.caller import Permission
from bot.domain.environment import Environment
from bot.domain.event import Event
from bot.domain.promotion import ApprovalRule, Quorum
from bot.policy.duration import Duration
from bot.policy.windows import Timezone

USUAL_ALIASES = {
    "development": ("dev",),
    "staging": ("stg", "stage"),
    "production": ("prod", "prd", "pro"),
}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _true_is_default(value: Any) -> Any:
    return {} if value is True or value is None else value


GateOptions = Annotated[dict[str, Any] | Literal[False], BeforeValidator(_true_is_default)]
"""A gate's own options, {} or `true` for its defaults, `false` to leave it out."""


class QuorumPart(Part):
    """Enough people, as an alternative to the rule's own quorum."""

    count: int = Field(ge=1, le=20, description="Distinct approvers.")
    roles: tuple[str, ...] = Field((), description="Roles that may approve; any role with `approve` if empty.")
    required: tuple[str, ...] = Field((), description="Roles of which at least one approver must be.")


class Approval(Part):
    """Who must say yes. Fields that are left out keep the value of the rule that this one refines."""

    count: int | None = Field(None, ge=0, le=20, description="Distinct approvers.")
    roles: tuple[str, ...] | None = Field(None, description="Roles that may approve; any role with `approve` if empty.")
    required: tuple[str, ...] | None = Field(None, description="Roles of which at least one approver must be.")
    alternatives: tuple[QuorumPart, ...] | None = Field(None, description="Other quorums, any of which is enough.")
    expires: Duration | None = Field(None, description="How long the question stays open.")
    self_approval: bool | None = Field(None, description="Whether the requester may approve.")
    author_approval: bool | None = Field(None, description="Whether the author of the newest commit may approve.")
    reuse: Duration | None = Field(None, description="How long approvals of the same images there count again.")
    remind: Duration | None = Field(None, description="How often approvers are reminded.")
    escalate_after: Duration | None = Field(None, description="When `escalate_to` is told that nobody has decided.")
    escalate_to: tuple[str, ...] | None = Field(None, description="Channels to escalate to.")


class RollbackRules(Part):
    """Rolling back is the way out of trouble, so it asks less by default."""

    skip_gates: tuple[str, ...] = Field(
        ("scan", "soak", "order", "pipeline", "health", "freeze"), description="Gates not asked."
    )
    approval: Approval = Field(Approval(), description="Refines the environment's approval rule.")
    lock: bool = Field(True, description="Whether the app is locked there afterwards, until somebody unlocks it.")
    automatic: Duration | None = Field(
        None, description="How long after the sync an app that is not well is rolled back by itself; never if left out."
    )


class BreakGlassRules(Part):
    """What an emergency skips besides the quorum. Never authorisation, never the digest."""

    skip_gates: tuple[str, ...] = Field(
        ("scan", "soak", "order", "health", "freeze", "lock", "alerts", "pipeline"), description="Gates not asked."
    )
    remind: Duration = Field(timedelta(days=1), description="How often the review that is owed is asked for.")


class EnvironmentRules(Part):
    """The rules of one environment, or an app's refinement of them."""

    approval: Approval = Field(Approval(), description="Who must say yes.")
    gates: dict[str, GateOptions] = Field({}, description="Gate → options; `false` leaves a default gate out.")
    rollback: RollbackRules | None = Field(None, description="What rolling back asks.")
    break_glass: BreakGlassRules | None = Field(None, description="What an emergency skips.")
    mode: Literal["commit", "pull-request"] | None = Field(None, description="How the overlay is changed.")
    follow_timeout: Duration | None = Field(None, description="How long Argo CD has to become Healthy.")
    gate_timeout: Duration | None = Field(None, description="How long a gate may stay Waiting.")
    argocd: str | None = Field(None, description='Name of the Argo CD instance; "" = the default one.')


class EnvironmentPart(EnvironmentRules):
    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", description="What it is called everywhere.")
    aliases: tuple[str, ...] | None = Field(
        None,
        description="Other words for it; the usual short forms of development, staging and production if left out.",
    )

    @property
    def known_as(self) -> tuple[str, ...]:
        return USUAL_ALIASES.get(self.name, ()) if self.aliases is None else self.aliases


class AppPart(Part):
    """What differs for one app."""

    environments: dict[str, EnvironmentRules] = Field({}, description="Environment → refinement of its rules.")
    application: str | None = Field(None, description="Name of its Argo CD Applications, with {environment}.")
    channel: str | None = Field(None, description="Channel for its messages.")
    pipeline: str | None = Field(None, description="The pipeline that builds it.")
    params: dict[str, str] = Field({}, description="Parameters of its pipeline runs.")


class Binding(Part):
    """Gives a role to people, everywhere or for some apps and environments."""

    role: str = Field(description="One of `roles`.")
    users: tuple[str, ...] = Field((), description="Slack user ids.")
    groups: tuple[str, ...] = Field((), description="Slack user groups, by id or handle.")
    emails: tuple[str, ...] = Field((), description="E-mail addresses of Slack profiles.")
    apps: tuple[str, ...] = Field(("*",), description="The apps that it holds for.")
    environments: tuple[str, ...] = Field(("*",), description="The environments that it holds for.")

    @model_validator(mode="after")
    def _binds_somebody(self) -> Self:
        if not (self.users or self.groups or self.emails):
            raise ValueError("a binding needs users, groups or emails")
        return self


class Route(Part):
    """Sends events to a channel."""

    channel: str = Field(description="Name or id.")
    apps: tuple[str, ...] = Field(("*",), description="The apps whose events it is for.")
    environments: tuple[str, ...] = Field(("*",), description="The environments whose events it is for.")
    events: tuple[str, ...] = Field(
        ("*",), description=f"Of {', '.join(Event)}; broken glass is told to every channel of the app in any case."
    )

    @field_validator("events")
    @classmethod
    def _happens(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        for event in events:
            if event not in (*Event, "*"):
                raise ValueError(f"there is no event {event}: expected {', '.join(Event)} or *")
        return events


class Channels(Part):
    default: str = Field("", description='Where a card goes; "" = where it was asked for.')
    routes: tuple[Route, ...] = Field((), description="Events that are told elsewhere as well.")


class ArgoCDPart(Part):
    application: str = Field(
        "{app}-{environment}",
        description="Name of the Application of an app in an environment; `namespace/name` outside Argo CD's own.",
    )


class PipelinePart(Part):
    name: str = Field("ci-pipeline", description="Name of the Tekton Pipeline.")
    params: dict[str, str] = Field({}, description="Parameters of every run; {app} and {revision} are filled in.")


class OverlaysPart(Part):
    path: str = Field("apps/{app}/overlays/{environment}", description="Directory of an overlay in the repository.")


DEFAULT_ROLES: dict[str, tuple[Permission, ...]] = {
    "viewer": (Permission.VIEW,),
    "engineer": (Permission.VIEW, Permission.PROMOTE, Permission.ROLLBACK, Permission.RUN_PIPELINE, Permission.LOCK),
    "release-manager": (
        Permission.VIEW,
        Permission.PROMOTE,
        Permission.ROLLBACK,
        Permission.RUN_PIPELINE,
        Permission.APPROVE,
        Permission.LOCK,
        Permission.FREEZE,
        Permission.REJECT_IMAGE,
    ),
    "admin": tuple(Permission),
}

DEFAULT_ENVIRONMENTS = tuple(EnvironmentPart(name=name) for name in USUAL_ALIASES)
STANDING_GATES: dict[str, GateOptions] = {"lock": {}, "freeze": {}, "rejected": {}}
"""What people say holds everywhere, where images first arrive too."""
DEFAULT_GATES: dict[str, GateOptions] = {"scan": {}, "health": {}, **STANDING_GATES}
DEFAULT_EXPIRY = timedelta(hours=4)


class Policy(Part):
    """The whole of pilothouse.yaml. Everything that is left out is as these defaults say."""

    environments_: tuple[EnvironmentPart, ...] = Field(
        DEFAULT_ENVIRONMENTS, alias="environments", min_length=1, description="In promotion order."
    )
    apps: dict[str, AppPart] = Field({}, description="App → what differs for it.")
    roles: dict[str, tuple[Permission, ...]] = Field(DEFAULT_ROLES, description="Role → the permissions that it gives.")
    bindings: tuple[Binding, ...] = Field((), description="Who holds which role, where.")
    channels: Channels = Field(Channels(), description="Where things are told.")
    argocd: ArgoCDPart = Field(ArgoCDPart(), description="How Argo CD's Applications are called.")
    pipeline: PipelinePart = Field(PipelinePart(), description="What builds the images.")
    overlays: OverlaysPart = Field(OverlaysPart(), description="Where the overlays are in the repository.")
    timezone: Timezone = Field("UTC", description="Where times are meant that people give without one of their own.")

    @property
    def environments(self) -> tuple[Environment, ...]:
        return tuple(Environment(part.name, order, part.known_as) for order, part in enumerate(self.environments_))

    def rules(self, app: str, environment: str) -> "Rules":
        """What holds for one app in one environment: the environment's rules, refined by the app's."""
        part = next(part for part in self.environments_ if part.name == environment)
        own = self.apps.get(app, AppPart()).environments.get(environment, EnvironmentRules())
        last = part is self.environments_[-1]
        return Rules(part, own, first=part is self.environments_[0], last=last)

    def application(self, app: str, environment: str) -> str:
        """The name of the Argo CD Application."""
        template = self.apps.get(app, AppPart()).application or self.argocd.application
        return template.format(app=app, environment=environment)

    def overlay_directory(self, app: str, environment: str) -> str:
        return self.overlays.path.format(app=app, environment=environment)

    def channels_for(self, app: str, environment: str, event: str) -> tuple[str, ...]:
        """Where an event is told, besides on its card: the app's channel and every route that matches."""
        own = self.apps.get(app, AppPart()).channel
        routed = (r.channel for r in self.channels.routes if _matches(r, app, environment) and _any(r.events, event))
        return tuple(dict.fromkeys([*([own] if own else []), *routed]))


class Rules:
    """The environment's rules with an app's refinements laid over them."""

    def __init__(self, base: EnvironmentRules, own: EnvironmentRules, *, first: bool, last: bool) -> None:
        self._base = base
        self._own = own
        self._first = first
        self._last = last

    def gates(self) -> dict[str, dict[str, Any]]:
        """Gate → its options. In the first environment only people's words hold, unless policy names more gates."""
        default = STANDING_GATES if self._first else DEFAULT_GATES
        merged: dict[str, dict[str, Any] | Literal[False]] = dict(default)
        for layer in (self._base.gates, self._own.gates):
            for gate, options in layer.items():
                before = merged.get(gate)
                merged[gate] = {**before, **options} if before and options else options
        return {gate: options for gate, options in merged.items() if options is not False}

    def approval(self) -> ApprovalRule:
        """By default, the last environment wants one approval and the others none."""
        rule = ApprovalRule(count=1 if self._last else 0, expires=DEFAULT_EXPIRY)
        return refined(refined(rule, self._base.approval), self._own.approval)

    def rollback(self) -> RollbackRules:
        return self._own.rollback or self._base.rollback or RollbackRules()

    def rollback_approval(self) -> ApprovalRule:
        return refined(self.approval(), self.rollback().approval)

    def break_glass(self) -> BreakGlassRules:
        return self._own.break_glass or self._base.break_glass or BreakGlassRules()

    @property
    def pull_request(self) -> bool:
        return (self._own.mode or self._base.mode) == "pull-request"

    @property
    def follow_timeout(self) -> timedelta:
        return self._own.follow_timeout or self._base.follow_timeout or timedelta(minutes=10)

    @property
    def gate_timeout(self) -> timedelta:
        return self._own.gate_timeout or self._base.gate_timeout or timedelta(hours=1)

    @property
    def argocd(self) -> str:
        return self._own.argocd or self._base.argocd or ""


def refined(rule: ApprovalRule, by: Approval) -> ApprovalRule:
    said = by.model_dump(exclude_none=True, exclude={"alternatives"})
    if by.alternatives is not None:
        said["alternatives"] = tuple(Quorum(**quorum.model_dump()) for quorum in by.alternatives)
    return replace(rule, **said)


def _matches(scope: Binding | Route, app: str, environment: str) -> bool:
    return _any(scope.apps, app) and _any(scope.environments, environment)


def _any(allowed: tuple[str, ...], word: str) -> bool:
    return not word or "*" in allowed or word in allowed


def covers(binding: Binding, app: str, environment: str) -> bool:
    """Whether a binding holds for a target; "" asks "for any at all"."""
    return _matches(binding, app, environment)
