"""Who may what, and when: cases run against a policy, without starting anything.

What is asked here is what the bot itself asks: the same authorization, the same eligibility, the same quorum and the
same windows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.domain.application import ApplicationRef
from bot.domain.approval import missing, quorum
from bot.domain.caller import Caller, Permission, Person, Target
from bot.domain.errors import NotAllowed, PolicyError, UserError
from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Approval, ApprovalRule, Kind, Move, Phase, Plan, Promotion, Stage, VoteKind
from bot.gates.freeze import FreezeGate, FreezeOptions
from bot.policy import Policy, authorize, roles_of
from bot.policy.windows import closed_by, next_opening
from bot.promotions.eligibility import Eligibility, roles_in
from bot.runtime.mistakes import mistakes

DIGEST = "sha256:" + "0" * 64


class CasePart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Actor(CasePart):
    """Somebody, as the workspace would know them."""

    user: str = Field("", description="Slack user id.")
    groups: tuple[str, ...] = Field((), description="User groups, by id or handle.")
    email: str = Field(
        "", description="The address that Slack has confirmed; without one nobody can tell them from an author."
    )
    guest: bool = False
    bot: bool = False
    foreign: bool = Field(False, description="Of another workspace.")
    active: bool = True


class PermissionCase(CasePart):
    """May somebody do something there?"""

    who: str | Actor
    may: Permission
    app: str = Field("", description="Whatever the app, if left out.")
    environment: str = Field("", description="Whatever the environment, if left out.")
    expect: bool


class ApprovalCase(CasePart):
    """Is a promotion approved when these people approve it?"""

    app: str
    environment: str
    requester: str | Actor
    approved_by: tuple[str | Actor, ...] = ()
    authors: tuple[str, ...] = Field((), description="E-mail addresses of the newest commit's authors.")
    kind: Kind = Kind.PROMOTION
    expect: bool


class FreezeCase(CasePart):
    """Do the policy's windows let a promotion through at this time?"""

    app: str
    environment: str
    at: AwareDatetime = Field(description="With its zone: 2026-12-24T18:00:00+01:00.")
    who: str | Actor | None = Field(None, description="The requester, for exempt roles.")
    expect: Literal["open", "frozen"]
    opens: AwareDatetime | None = Field(None, description="When the next open window must begin.")


class Cases(CasePart):
    """The whole file."""

    people: dict[str, Actor] = Field({}, description="Names for people, to use in the cases.")
    permissions: tuple[PermissionCase, ...] = ()
    approvals: tuple[ApprovalCase, ...] = ()
    freezes: tuple[FreezeCase, ...] = ()


@dataclass(frozen=True)
class CaseResult:
    """One case: what it asks, what was expected, what is so, and why."""

    question: str
    expected: str
    found: str
    why: str = ""

    @property
    def holds(self) -> bool:
        return self.expected == self.found


def read_cases(file: Path) -> Cases:
    """Raises PolicyError for a file that is absent, no YAML, or of another shape."""
    try:
        document = YAML(typ="safe").load(file.read_text())
        return Cases.model_validate(document or {})
    except OSError as error:
        raise PolicyError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{file} is not text: save it as UTF-8.") from error
    except YAMLError as error:
        raise PolicyError(f"{file} is not valid YAML: {error}") from error
    except ValidationError as error:
        found = (f"{file}: {'.'.join(map(str, place))}: {what}" for place, what in mistakes(error, Cases))
        raise PolicyError("\n".join(found)) from error


class CaseRunner:
    """Raises PolicyError for a case that names an environment or a person that there is not."""

    def __init__(self, policy: Policy, people: dict[str, Actor]) -> None:
        self._policy = policy
        self._people = people

    def run(self, cases: Cases) -> Iterator[CaseResult]:
        yield from (self._permission(case) for case in cases.permissions)
        yield from (self._approval(case) for case in cases.approvals)
        yield from (self._freeze(case) for case in cases.freezes)

    def _permission(self, case: PermissionCase) -> CaseResult:
        name, caller = self._who(case.who)
        environment = self._environment(case.environment) if case.environment else ""
        where = " in ".join(word for word in (case.app, environment) if word)
        question = f"may {name} {case.may}{f' {where}' if where else ''}?"
        try:
            authorize(self._policy, caller, case.may, Target(case.app, environment))
        except NotAllowed as refused:
            return CaseResult(question, _yes(case.expect), "no", refused.sentence)
        return CaseResult(question, _yes(case.expect), "yes")

    def _approval(self, case: ApprovalCase) -> CaseResult:
        requester, caller = self._who(case.requester)
        environment = self._environment(case.environment)
        rules = self._policy.rules(case.app, environment)
        rule = rules.rollback_approval() if case.kind is Kind.ROLLBACK else rules.approval()
        promotion = _promotion(case, environment, caller.person, rule)
        given, refused = self._votes(promotion, case.approved_by)
        names = ", ".join(name for name, _ in map(self._who, case.approved_by)) or "nobody"
        asked = f"a {case.kind} of {case.app} to {environment} by {requester}"
        question = f"is {asked} approved by {names}?"
        enough = quorum(rule, given)
        why = " ".join([*refused, *([] if enough else [f"Still needed: {missing(rule, given)}."])])
        return CaseResult(question, _yes(case.expect), _yes(enough), why)

    def _votes(self, promotion: Promotion, people: Iterable[str | Actor]) -> tuple[list[Approval], list[str]]:
        eligibility = Eligibility(self._policy)
        given: dict[str, Approval] = {}
        refused: list[str] = []
        for who in people:
            name, caller = self._who(who)
            try:
                voices = eligibility.check(promotion, VoteKind.APPROVE, caller, promotion.content_hash)
            except UserError as error:
                refused.append(f"{name}: {error.sentence}")
                continue
            now = datetime.now(UTC)
            given.setdefault(caller.id, Approval(caller.person, promotion.content_hash, now, roles_in(voices)))
        return list(given.values()), refused

    def _freeze(self, case: FreezeCase) -> CaseResult:
        environment = self._environment(case.environment)
        question = f"is {case.app} in {environment} open at {case.at.isoformat()}?"
        wanted = case.expect + (f" until {_utc(case.opens)}" if case.opens else "")
        options = self._policy.rules(case.app, environment).gates().get(FreezeGate.name)
        if options is None:
            return CaseResult(question, wanted, "open", "The gate freeze is left out there.")
        freeze = FreezeOptions.model_validate(options)
        window, closed = closed_by(freeze.windows, case.at)
        if not closed or self._exempt(case, environment, freeze):
            return CaseResult(question, wanted, "open")
        opening = next_opening(freeze.windows, case.at)
        found = "frozen" + (f" until {_utc(opening)}" if case.opens else "")
        return CaseResult(question, wanted, found, window.reason if window else "No allowed window is open.")

    def _exempt(self, case: FreezeCase, environment: str, freeze: FreezeOptions) -> bool:
        there = Target(case.app, environment)
        roles = roles_of(self._policy, self._who(case.who)[1], there) if case.who is not None else frozenset[str]()
        return bool(freeze.exemption(case.app, roles))

    def _who(self, who: str | Actor) -> tuple[str, Caller]:
        if isinstance(who, Actor):
            name = who.user or who.email or ", ".join(who.groups) or "somebody"
            return name, _caller(who, name)
        if who not in self._people:
            raise PolicyError(f"people: there is nobody called {who!r}: add them under `people`.")
        return who, _caller(self._people[who], who)

    def _environment(self, word: str) -> str:
        for environment in self._policy.environments:
            if environment.answers_to(word):
                return environment.name
        raise PolicyError(f"there is no environment {word!r} in the policy.")


def _caller(actor: Actor, name: str) -> Caller:
    # People of the same groups are told apart by their names where a case gives them no id; and, from authors, by an
    # address that is nobody else's where it gives none.
    person = Person(actor.user or name, name, actor.email)
    groups = frozenset(group.removeprefix("@") for group in actor.groups)
    return Caller(person, "", groups, actor.active, actor.guest, actor.bot, actor.foreign)


def _promotion(case: ApprovalCase, environment: str, requester: Person, rule: ApprovalRule) -> Promotion:
    """A promotion that waits for its approvals."""
    move = Move(
        app=case.app,
        overlay="",
        before=OverlayImage(case.app, case.app),
        after=Image(case.app, DIGEST),
        application=ApplicationRef(case.app, environment),
    )
    plan = Plan(
        id="rehearsal",
        kind=case.kind,
        environment=environment,
        source="",
        moves=(move,),
        requester=requester,
        channel="",
        requested_at=datetime.now(UTC),
        gates=(),
        approval=rule,
        seen_commit="",
        authors=case.authors,
    )
    return Promotion(plan, Phase.RUNNING, Stage.APPROVAL)


def _yes(so: bool) -> str:
    return "yes" if so else "no"


def _utc(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "ever"
