"""Custom: what do the team's own endpoints say?"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, HttpUrl, field_validator

from bot.domain.errors import IntegrationError, Unavailable
from bot.domain.promotion import Move, Verdict
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst
from bot.policy.duration import Duration
from bot.ports import CustomGates, CustomQuestion

AGAIN = timedelta(seconds=15)
LONGEST = timedelta(seconds=30)


class Endpoint(Options):
    name: str = Field(min_length=1, description="What people call it.")
    url: HttpUrl = Field(description="Where it is asked, by POST.")
    timeout: Duration = Field(timedelta(seconds=10), description="How long it may take, at most 30s.")
    secret_file: Path | None = Field(None, description="File with the secret that questions are signed with.")

    @field_validator("timeout")
    @classmethod
    def _is_short(cls, timeout: timedelta) -> timedelta:
        if not timedelta() < timeout <= LONGEST:
            raise ValueError("expected a time up to 30s")
        return timeout


class CustomOptions(Options):
    endpoints: tuple[Endpoint, ...] = Field(min_length=1, description="All of them must say yes.")

    def ask_no_more_than(self, before: Self) -> bool:
        return all(endpoint in before.endpoints for endpoint in self.endpoints)


class CustomGate:
    """Do your own endpoints say yes?

    Each gets the facts of the promotion, signed the way GitHub signs its webhooks, and answers
    `{"pass": true, "reason": "…"}`. No answer, or any other answer, is never a yes.
    """

    name: ClassVar[str] = "custom"
    options: ClassVar[type[Options]] = CustomOptions

    def __init__(self, gates: CustomGates) -> None:
        self._gates = gates

    async def ask(self, question: Question) -> Verdict:
        endpoints = CustomOptions.model_validate(question.options).endpoints
        body = facts(question)
        return _together(await asyncio.gather(*(self._verdict(endpoint, body) for endpoint in endpoints)))

    async def _verdict(self, endpoint: Endpoint, body: dict[str, Any]) -> Verdict:
        name = endpoint.name
        try:
            secret = await asyncio.to_thread(_secret, endpoint)
            passes, reason = await self._gates.ask(CustomQuestion(str(endpoint.url), secret, endpoint.timeout, body))
        except OSError:
            return Verdict.blocked(
                f"{name}: its secret cannot be read.", f"Mount the file that policy names as secret_file of {name}."
            )
        except Unavailable as error:
            again = error.retry_after or AGAIN
            return Verdict.waiting(f"{name} does not answer.", "Asking again until it does.", retry_after=again)
        except IntegrationError as error:
            return Verdict.blocked(f"{name} gives no answer that counts.", f"Ask its owners: {error.detail}")
        said = reason.strip().rstrip(".")
        if passes:
            return Verdict.passed(f"{name}: {said or 'yes'}")
        return Verdict.blocked(f"{name} says no{f': {said}' if said else ''}.", f"Ask the owners of {name}.")


def facts(question: Question) -> dict[str, Any]:
    """What an endpoint is told. `version` moves when a field changes its meaning."""
    plan = question.plan
    return {
        "version": 1,
        "promotion": plan.id,
        "kind": plan.kind.value,
        "app": question.app,
        "environment": plan.environment,
        "source": question.source,
        "reason": plan.reason,
        "requester": {"id": plan.requester.id, "name": plan.requester.name, "email": plan.requester.email},
        "images": [_image(move) for move in question.moves],
    }


def _image(move: Move) -> dict[str, str]:
    image, before = move.after, move.before
    return {
        "name": move.name,
        "repository": image.repository,
        "digest": image.digest,
        "tag": image.tag,
        "revision": move.revision,
        "before": before.digest or before.tag,
    }


def _secret(endpoint: Endpoint) -> str:
    return endpoint.secret_file.read_text().strip() if endpoint.secret_file else ""


def _together(verdicts: list[Verdict]) -> Verdict:
    """The worst verdict, with everything that is said by those who say the same."""
    found = worst(verdicts)
    same = [verdict for verdict in verdicts if verdict.state is found.state]
    reasons = " ".join(verdict.reason for verdict in same) if found.reason.endswith(".") else _listed(same)
    remedies = " ".join(dict.fromkeys(verdict.remedy for verdict in same if verdict.remedy))
    return Verdict(found.state, reasons, remedies, found.link, found.retry_after, found.fingerprint)


def _listed(verdicts: list[Verdict]) -> str:
    return "; ".join(verdict.reason for verdict in verdicts)
