"""The parts of pilothouse.yaml, as they are written there."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from bot.domain import identity
from bot.domain.delivery import FIXED_WITHIN
from bot.domain.environment import Environment
from bot.domain.event import ROUTING, Event, Routing
from bot.policy.duration import Duration

USUAL_ALIASES = {
    "development": ("dev",),
    "staging": ("stg", "stage"),
    "production": ("prod", "prd", "pro"),
}
ENVIRONMENT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


ROUTABLE = [event for event, routing in ROUTING.items() if routing is not Routing.NONE]
INSTEAD = {Event.LOCK_FREE: "route `unlocked`, which says the same to a channel"}
"""for what goes to no channel"""


class PolicyPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _true_is_default(value: Any) -> Any:
    return {} if value is True or value is None else value


GateOptions = Annotated[dict[str, Any] | Literal[False], BeforeValidator(_true_is_default)]
"""A gate's own options, {} or `true` for its defaults, `false` to leave it out."""


class QuorumPart(PolicyPart):
    """Enough people, as an alternative to the rule's own quorum."""

    count: int = Field(ge=1, le=20, description="How many people must approve.")
    roles: tuple[str, ...] = Field(
        (), description="Roles that may approve; if empty, every role with the permission `approve`."
    )
    required: tuple[str, ...] = Field((), description="Roles of which at least one approver must have one.")


class ApprovalPart(PolicyPart):
    """Who must say yes. Fields that are left out keep the value of the rule that this one refines."""

    count: int | None = Field(None, ge=0, le=20, description="How many people must approve.")
    roles: tuple[str, ...] | None = Field(
        None, description="Roles that may approve; if empty, every role with the permission `approve`."
    )
    required: tuple[str, ...] | None = Field(None, description="Roles of which at least one approver must have one.")
    alternatives: tuple[QuorumPart, ...] | None = Field(
        None, description="Other quorums; meeting any one of them is enough."
    )
    expires: Duration | None = Field(None, description="How long approvers have; then the promotion ends.")
    self_approval: bool | None = Field(None, description="Whether the requester may approve.")
    author_approval: bool | None = Field(None, description="Whether the author of the newest commit may approve.")
    reuse: Duration | None = Field(None, description="How long approvals of the same images there count again.")
    remind: Duration | None = Field(
        None,
        description="When the first reminder goes out; each later one waits twice as long, and none come at night.",
    )
    escalate_after: Duration | None = Field(
        None, description="When the channels of `escalate_to` hear that nobody has decided."
    )
    escalate_to: tuple[str, ...] | None = Field(None, description="Channels that hear of it.")


class RollbackRules(PolicyPart):
    """Rolling back is the way out of trouble, so it asks less by default."""

    skip_gates: tuple[str, ...] = Field(
        ("scan", "soak", "order", "pipeline", "health", "freeze", "alerts"), description="Gates not asked."
    )
    approval: ApprovalPart = Field(ApprovalPart(), description="What differs from the environment's approval rule.")
    lock: bool = Field(True, description="Whether to lock the app there afterwards, until somebody unlocks it.")
    automatic: Duration | None = Field(
        None, description="For how long after the sync an unhealthy app is rolled back automatically; by default never."
    )


class BreakGlassRules(PolicyPart):
    """What an emergency skips besides the quorum. Never authorisation, never the digest."""

    skip_gates: tuple[str, ...] = Field(
        ("scan", "soak", "order", "health", "freeze", "lock", "alerts", "pipeline"), description="Gates not asked."
    )
    remind: Duration = Field(timedelta(days=1), description="How often approvers are reminded of the review.")


class EnvironmentRules(PolicyPart):
    """The rules of one environment, or an app's refinement of them."""

    approval: ApprovalPart = Field(ApprovalPart(), description="Who must say yes.")
    gates: dict[str, GateOptions] = Field({}, description="Gate → options; `false` leaves a default gate out.")
    rollback: RollbackRules | None = Field(None, description="What a rollback needs.")
    break_glass: BreakGlassRules | None = Field(None, description="What an emergency skips.")
    mode: Literal["commit", "pull-request"] | None = Field(None, description="How the overlay is changed.")
    follow_timeout: Duration | None = Field(None, description="How long Argo CD has to become Healthy.")
    gate_timeout: Duration | None = Field(None, description="How long a gate may wait; then the promotion ends.")
    argocd: str | None = Field(None, description='Name of the Argo CD instance; "" is the default one.')


class EnvironmentPart(EnvironmentRules):
    name: str = Field(description="What it is called everywhere.")
    aliases: tuple[str, ...] | None = Field(
        None,
        description="Other words for it; by default the usual short forms of development, staging and production.",
    )

    backwards_from: tuple[str, ...] = Field(
        (), description="Later environments from which images may be promoted back to this one."
    )

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        """It is part of paths and of the names of Applications."""
        if not ENVIRONMENT_NAME.fullmatch(name):
            raise ValueError(f"{name!r}: use lowercase letters, digits and hyphens between them, for example prod-eu")
        return name

    @property
    def known_as(self) -> tuple[str, ...]:
        return USUAL_ALIASES.get(self.name, ()) if self.aliases is None else self.aliases

    def at(self, order: int) -> Environment:
        return Environment(self.name, order, self.known_as)


class AppPart(PolicyPart):
    """What differs for one app."""

    environments: dict[str, EnvironmentRules] = Field({}, description="Environment → what differs there for this app.")
    application: str | None = Field(None, description="Name of its Argo CD Applications, with {environment}.")
    channel: str | None = Field(None, description="Channel for its messages.")
    pipeline: str | None = Field(None, description="The pipeline that builds it.")
    params: dict[str, str] = Field({}, description="Parameters of its pipeline runs.")


class Binding(PolicyPart):
    """Gives a role to people, everywhere or for some apps and environments."""

    role: str = Field(description="One of `roles`.")
    users: tuple[str, ...] = Field((), description="Slack user ids.")
    groups: tuple[str, ...] = Field((), description="Slack user groups, by id or handle.")
    emails: tuple[str, ...] = Field((), description="E-mail addresses of Slack profiles.")
    apps: tuple[str, ...] = Field(("*",), description="The apps for which it holds.")
    environments: tuple[str, ...] = Field(("*",), description="The environments for which it holds.")

    @field_validator("emails")
    @classmethod
    def _addresses(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        for email in emails:
            if email and not identity.address(email):
                raise ValueError(
                    f"{email!r} is not an e-mail address that can be compared: write it as the profile has it"
                )
        return emails

    @model_validator(mode="after")
    def _binds_somebody(self) -> Self:
        if not (self.users or self.groups or self.emails):
            raise ValueError("a binding needs users, groups or emails")
        return self


class Route(PolicyPart):
    """Sends events to a channel."""

    channel: str = Field(description="Name or id.")
    apps: tuple[str, ...] = Field(("*",), description="The apps whose events it is for.")
    environments: tuple[str, ...] = Field(("*",), description="The environments whose events it is for.")
    events: tuple[str, ...] = Field(
        ("*",), description="See [Events](#events); broken glass always goes to every channel of the app."
    )

    @field_validator("events")
    @classmethod
    def _happens(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        for event in events:
            if event not in (*Event, "*"):
                raise ValueError(f"there is no event {event}: expected {', '.join(ROUTABLE)} or *")
            if event != "*" and ROUTING[Event(event)] is Routing.NONE:
                raise ValueError(f"`{event}` goes to no channel, only to persons: {INSTEAD[Event(event)]}")
        return events


class Channels(PolicyPart):
    default: str = Field("", description='Where cards go; "" is the channel of the request.')
    routes: tuple[Route, ...] = Field((), description="Events that also go to other channels.")
    direct_messages: bool = Field(
        True,
        description="Whether approvers also get a direct message, if a binding names them or a user group of at most "
        "ten people.",
    )


class DeliveriesPart(PolicyPart):
    """When people hear of changes that Pilothouse did not make."""

    degraded_after: Duration = Field(
        timedelta(minutes=2),
        description="How long an Application must be Degraded or Missing before people hear of it.",
    )
    drift_after: Duration = Field(
        timedelta(minutes=5),
        description="How long the cluster must drift from git before people hear of it.",
    )
    fixed_within: Duration = Field(
        FIXED_WITHIN,
        description="How long after a deployment a commit that says it reverts or fixes what came with it makes "
        "it a failed change in DORA's figures.",
    )


class ArgoCDPart(PolicyPart):
    application: str = Field(
        "{app}-{environment}",
        description="Name of the Application of an app in an environment; `namespace/name` outside Argo CD's own.",
    )


class PipelinePart(PolicyPart):
    name: str = Field("ci-pipeline", description="Name of the Tekton Pipeline.")
    params: dict[str, str] = Field({}, description="Parameters of every run; {app} and {revision} are filled in.")


class OverlaysPart(PolicyPart):
    path: str = Field("apps/{app}/overlays/{environment}", description="Directory of an overlay in the repository.")
