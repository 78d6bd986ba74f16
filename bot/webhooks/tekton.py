"""Tekton's CloudEvents: when a run begins and ends, and that one failed, told once with its reason."""

import base64
import binascii
from collections.abc import Callable, Mapping

import msgspec

from bot.domain.caller import Target
from bot.domain.errors import NotFound
from bot.domain.event import Event
from bot.domain.pipeline import PipelineRun, RunStatus
from bot.notify import Bulletins
from bot.notify.audience import of_webhook
from bot.policy import Policy
from bot.ports import Pipelines
from bot.store.codec import load
from bot.views import failed_run
from bot.webhooks.sender import Delivery, Malformed, decoded, same

HEARD = frozenset(f"dev.tekton.event.pipelinerun.{state}.v1" for state in ("started", "successful", "failed"))
EVENT = Event.PIPELINE_FAILED
Heard = Callable[[PipelineRun], object]


class RunMetadata(msgspec.Struct):
    name: str
    namespace: str
    uid: str = ""


class Run(msgspec.Struct):
    metadata: RunMetadata


class TektonBody(msgspec.Struct, rename="camel"):
    pipeline_run: Run


class EventRun(msgspec.Struct):
    """What is kept of it."""

    name: str
    namespace: str
    uid: str


class TektonWebhook:
    """An event is a hint to read the run again (T19): what is told is what the cluster says then."""

    name = "tekton"
    setting = "tekton_token"
    without = "nobody hears of failed pipeline runs"

    def __init__(self, pipelines: Pipelines, policy: Policy, bulletins: Bulletins, heard: Heard) -> None:
        self._heard = heard
        self._pipelines = pipelines
        self._policy = policy
        self._bulletins = bulletins

    def possible(self, headers: Mapping[str, str], secret: str) -> bool:
        return self.authentic(headers, b"", secret)

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:  # noqa: ARG002 (others sign it)
        """Tekton adds no header of its own, but the password in the sink's address becomes basic authentication."""
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "basic":
                return same(_password(shown), secret)
            case "bearer":
                return same(shown, secret)
        return False

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:
        """T19: binary mode, so the kind and the id are headers. Cancelled and timed out are `failed`, too."""
        if headers.get("ce-type") not in HEARD:
            return None
        id = headers.get("ce-id", "")
        if not id:
            raise Malformed("expected the header Ce-Id")
        run = decoded(body, TektonBody, "a CloudEvent with a pipelineRun").pipeline_run.metadata
        return Delivery(f"{headers.get('ce-source', '')} {id}"[-255:], EventRun(run.name, run.namespace, run.uid))

    async def act(self, facts: str) -> None:
        told = load(facts, EventRun)
        try:
            run = await self._pipelines.get(told.name)
        except NotFound:
            return  # pruned, or of a namespace that is not ours
        if run.namespace != told.namespace:
            return  # it is another's
        self._heard(run)
        if run.status is not RunStatus.FAILED:
            return  # it goes on or succeeded, or a person cancelled it
        for channel in of_webhook(self._policy, run.app, self._policy.environments[0].name, EVENT):
            await self._bulletins.note(f"run:{told.uid or told.name}"[:64], channel, failed_run(run), Target(run.app))


def _password(shown: str) -> str:
    try:
        return base64.b64decode(shown, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
