"""All gates of a plan, asked at once; every reason told."""

import asyncio
import json
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from bot.domain.errors import Advice, IntegrationError, PolicyError, Unavailable, UserError
from bot.domain.promotion import NOT_ASKED, GateResult, GateTerms, Plan, Verdict
from bot.evaluation.question import Gate, Question
from bot.evaluation.terms import UNREADABLE, Both, TermsChange, compared, fingerprint, stricter, written
from bot.policy import Place, Policy
from bot.runtime.mistakes import mistakes
from bot.runtime.one_round import one_round
from bot.runtime.spelling import nearest

log = structlog.get_logger(__name__)

ASK_AGAIN = timedelta(seconds=15)
PATIENCE_SECONDS = 45.0
"""How long one gate may take before it counts as not answering."""
SKIPPED_SECONDS = 5.0
"""the same for a gate that is skipped: nobody waits for it in an emergency"""
IMAGE = "image"
"""what stands in the place of a gate's name where an app has no image to ask about"""
LEAVE_OUT = "Leave the app out, or ask for the train again once the image is there."


class GateEvaluator:
    """Raises PolicyError at construction when policy names a gate that nobody brought, or options it does not take."""

    def __init__(self, gates: Iterable[Gate], policy: Policy) -> None:
        self._gates: dict[str, Gate] = {}
        for gate in gates:
            if gate.name in self._gates:
                raise PolicyError(f"two gates are named {gate.name}: rename one of the packages' gates")
            self._gates[gate.name] = gate
        self._policy = policy
        if wrong := list(mistakes_in(policy, self._gates)):
            raise PolicyError("\n".join(what for _, what in wrong))

    def names(self, app: str, environment: str) -> tuple[str, ...]:
        """In the order in which policy names them, so that every card tells them in the same one."""
        return tuple(name for name in self._policy.rules(app, environment).gates() if name in self._gates)

    def terms(self, apps: Iterable[str], environment: str) -> tuple[GateTerms, ...]:
        """What policy asks of the gates by now, to be kept in a plan."""
        found: list[GateTerms] = []
        for app in apps:
            for name, given in self._policy.rules(app, environment).gates().items():
                options = written(given)
                same = next((at for at, one in enumerate(found) if (one.gate, one.options) == (name, options)), None)
                if same is None:
                    found.append(GateTerms(name, (app,), options))
                else:
                    found[same] = replace(found[same], apps=(*found[same].apps, app))
        return tuple(found)

    async def ask(self, plan: Plan, now: datetime, *, dry_run: bool = False) -> tuple[GateResult, ...]:
        """One result per gate and app, in the plan's order: by today's options and by those of the plan, where they
        are not the same. In a dry run gates look, and change nothing anywhere.
        """
        asked: list[Awaitable[GateResult]] = []
        gone = {one.app: one.why for one in plan.missing}
        for app in plan.apps:
            if app in gone:  # no gate can be asked of an image that is not there
                continue
            moves = tuple(move for move in plan.moves if move.app == app)
            for name in plan.gates:
                terms = self._options(name, app, plan)
                if terms is not None:
                    asked.append(self._result(name, Question(plan, app, moves, now, terms.today, dry_run), terms))
        absent = [GateResult(IMAGE, app, Verdict.blocked(why, LEAVE_OUT)) for app, why in gone.items()]
        with one_round():
            return (*await asyncio.gather(*asked), *absent)

    def _options(self, name: str, app: str, plan: Plan) -> Both | None:
        """None where neither policy names the gate for this app. An older plan has kept nothing."""
        today = self._policy.rules(app, plan.environment).gates().get(name)
        if not plan.keeps_terms:
            return Both(today or {}, today or {})
        then = plan.options(name, app)
        if then is None:
            return None if today is None else Both(today, today)
        read = json.loads(then)
        return Both(read, read if today is None else today)

    async def _result(self, name: str, question: Question, terms: Both) -> GateResult:
        plan, app = question.plan, question.app
        gate = self._gates.get(name)
        if why := plan.skipped_gates.get(name):
            return GateResult(name, app, await self._would_say(gate, question), waived=why)
        if gate is None:
            return GateResult(
                name, app, Verdict.blocked(f"This Pilothouse has no gate {name}.", "Install its package.")
            )
        try:
            change = compared(gate, terms)
        except ValidationError:
            return GateResult(name, app, Verdict.blocked(UNREADABLE, "Ask for the promotion again."))
        today = await answer(gate, question)
        if change is TermsChange.NONE:
            return GateResult(name, app, today)
        then = await answer(gate, replace(question, options=terms.then))
        tightened = fingerprint(terms.today) if change is TermsChange.TIGHTER else ""
        return GateResult(name, app, stricter(then, today), tightened=tightened)

    async def _would_say(self, gate: Gate | None, question: Question) -> Verdict:
        """What a skipped gate finds: it stops nothing, holds nothing up for long, and changes nothing anywhere."""
        if gate is None:
            return Verdict.blocked(NOT_ASKED, "")
        try:
            return await answer(gate, replace(question, dry_run=True), SKIPPED_SECONDS)
        except ValidationError:  # options of a policy of before, which can no longer be read
            return Verdict.blocked(NOT_ASKED, "")
        except Exception:
            log.exception("gate.broke", gate=gate.name, app=question.app, environment=question.environment)
            return Verdict.blocked(f"The gate {gate.name} broke when it was asked; the log has the details.", "")


def mistakes_in(policy: Policy, gates: Mapping[str, Gate | type[Gate]]) -> Iterator[tuple[Place, str]]:
    """What policy says of gates that nobody brought, and options that they do not take; each with where it says so."""
    told = set()
    for index, environment in enumerate(policy.environments):
        for app in ("", *policy.apps):
            for name, options in policy.rules(app, environment.name).gates().items():
                if gate := gates.get(name):
                    found = _wrong_options(gate, options)
                else:
                    found = [((), f"unknown gate.{nearest(name, gates)}")]
                for option, what in found:
                    own = _is_own(policy, app, environment.name, (name, *option))
                    top: Place = ("apps", app, "environments", environment.name) if own else ("environments", index)
                    where = f"{app if own else 'environments'}.{environment.name}.gates"
                    mistake = (*top, "gates", name, *option), f"{'.'.join(map(str, (where, name, *option)))}: {what}"
                    # Every app inherits what is wrong in its environment.
                    if mistake not in told:
                        told.add(mistake)
                        yield mistake


def _is_own(policy: Policy, app: str, environment: str, place: Place) -> bool:
    """Whether the app's own rules say it, and not those of the environment that they refine."""
    rules = policy.apps[app].environments.get(environment) if app else None
    gate, *option = place
    if rules is None or gate not in rules.gates:
        return False
    said = rules.gates[str(gate)] or {}
    base = next(part for part in policy.environments_ if part.name == environment).gates
    return gate not in base or not option or option[0] in said


async def answer(gate: Gate, question: Question, patience: float = PATIENCE_SECONDS) -> Verdict:
    """The gate's verdict; a system that does not answer is never a pass."""
    try:
        async with asyncio.timeout(patience):
            return await gate.ask(question)
    except TimeoutError:
        return Verdict.waiting(f"{gate.name}: no answer yet.", "Asking again.", retry_after=ASK_AGAIN)
    except Unavailable as error:
        told = error.advice or Advice(f"{error.system} does not answer.", "Asking again until it does.")
        return Verdict.waiting(told.sentence, told.remedy, retry_after=error.retry_after or ASK_AGAIN)
    except IntegrationError as error:
        told = error.advice or Advice(
            f"{error.system} refuses to {error.operation}.", f"Check its token and address: {error.detail}"
        )
        return Verdict.blocked(told.sentence, told.remedy)
    except UserError as error:  # what it would look at cannot be read, and the sentence says what to do about that
        return Verdict.blocked(error.sentence, "")


def _wrong_options(gate: Gate | type[Gate], options: object) -> list[tuple[Place, str]]:
    try:
        gate.options.model_validate(options)
    except ValidationError as error:
        return mistakes(error, gate.options)
    return []
