"""What a request asks for is done: read, authorize, run, answer. A request may come here again after a crash."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from bot.command import CommandRegistry
from bot.domain.caller import Caller, Permission, common
from bot.domain.errors import DatabaseAway, IntegrationError, UserError
from bot.domain.form import Input
from bot.domain.intent import Abort, Approve, Intent, Reject
from bot.grammar import Vocabulary
from bot.overlays.catalog import Catalog
from bot.policy import Policy, no_app, visible
from bot.ports import Request
from bot.router.answers import Answers, Respond
from bot.router.buttons import read_press
from bot.router.dispatch import Dispatcher, targets
from bot.router.explanations import NOT_TAKEN, explain
from bot.router.forms import read_form, read_intent
from bot.router.home import Home
from bot.router.incoming import (
    Incoming,
    from_button,
    from_event,
    from_mention,
    from_shortcut,
    from_slash,
    from_submission,
)
from bot.router.shortcuts import Shortcuts
from bot.router.wire import unpacked
from bot.runtime.beside import asked_beside
from bot.runtime.clock import Seconds
from bot.runtime.metrics import COMMAND_SECONDS, COMMANDS
from bot.runtime.one_round import one_round

KEPT = (
    "The database is away. I have kept your request, and continue as soon as the database is back. "
    "There is no need to ask again."
)
GIVEN_UP = (
    "Pilothouse has stopped several times while it worked on this request, so it does not try again. Check with "
    "`/pilothouse status` and `/history` what has become of it."
)
TOO_LATE = "Pilothouse was away when you asked for this, so nothing was done. Ask again if you still need it."
NO_WINDOW = (
    "Pilothouse was away when you asked for this window, and Slack opens none that late. Ask again, or type the whole "
    "command."
)
NO_TRIGGER = (
    "Put the whole command in one message, for example `deploy my-app prod`: Slack opens windows only for slash "
    "commands, shortcuts and buttons. `help` shows what you can say."
)
TRIGGER_SECONDS = 3.0
"""Slack opens no window later (S15)."""
SENSELESS = 30 * 60.0
"""seconds after which nothing is done that somebody asked for: what was right then may surprise now"""
LASTING = (Approve, Reject, Abort)
"""about exactly what a card showed: as right later as it was then, or refused"""
TRIES = 5
"""A request in the middle of which so many processes have died is given up."""

log = structlog.get_logger(__name__)

Body = Mapping[str, Any]
Responding = Callable[[str], Respond]
"""makes what answers to a response_url"""


class Handlers:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self,
        registry: CommandRegistry,
        policy: Policy,
        catalog: Catalog,
        dispatcher: Dispatcher,
        answers: Answers,
        home: Home,
        shortcuts: Shortcuts,
        clock: Seconds = time.time,
    ) -> None:
        self._registry = registry
        self._policy = policy
        self._catalog = catalog
        self._dispatcher = dispatcher
        self._answers = answers
        self._home = home
        self._shortcuts = shortcuts
        self._clock = clock
        self._kept: set[str] = set()
        """the requests whose askers know that they have to wait for the database"""
        self.responding: Responding | None = None
        """how late answers reach a response_url; set by whoever knows Slack's client"""

    async def handle(self, request: Request, respond: Respond | None = None) -> bool:
        """Whether it is over: done, refused, or told why not. Never raises."""
        body = unpacked(request.body)
        do = self._kinds[request.kind][1]
        incoming = self._incoming(request, body)
        respond = respond or self._late_respond(body)
        with bound_contextvars(correlation_id=incoming.correlation_id, user=incoming.user, kind=incoming.kind):
            if request.tries > TRIES and request.id not in self._kept:
                await self._answers.refuse(GIVEN_UP, incoming, respond)
                return True
            return await self._guarded(request, incoming, respond, do(incoming, body, respond))

    async def tell_not_taken(self, request: Request) -> None:
        """To somebody who heard that nobody knew."""
        incoming = self._incoming(request, body := unpacked(request.body))
        if request.kind == "event":
            await self.refuse_home(incoming, NOT_TAKEN)
        else:
            await self._answers.refuse(NOT_TAKEN, incoming, self._late_respond(body))

    def _incoming(self, request: Request, body: Body) -> Incoming:
        """With its age."""
        incoming = self._kinds[request.kind][0](body)
        at = min(request.at, incoming.at or request.at)
        return replace(incoming, at=at, age=max(0.0, self._clock() - at), again=request.tries > 1)

    def _late_respond(self, body: Body) -> Respond | None:
        url = body.get("response_url")
        return self.responding(url) if self.responding and url else None

    @property
    def _kinds(self) -> Mapping[str, tuple[Callable[[Body], Incoming], Callable[..., Awaitable[None]]]]:
        return {
            "command": (from_slash, self._command),
            "button": (from_button, self._button),
            "submission": (from_submission, self._submission),
            "event": (from_event, self._show_home),
            "mention": (from_mention, self._mention),
            "shortcut": (from_shortcut, self._shortcut),
        }

    async def _guarded(
        self, request: Request, incoming: Incoming, respond: Respond | None, work: Awaitable[None]
    ) -> bool:
        try:
            with one_round():
                await work
        except DatabaseAway:
            if request.id not in self._kept:
                self._kept.add(request.id)
                await self._answers.refuse(KEPT, incoming, respond)
            return False
        except Exception as error:  # noqa: BLE001 (nobody waits for an exception here)
            await self._answers.refuse(explain(error, incoming.correlation_id), incoming, respond)
        self._kept.discard(request.id)
        return True

    async def _command(self, incoming: Incoming, body: Body, respond: Respond | None) -> None:
        spoken = self._registry.find(body["command"], body.get("text") or "")
        words = spoken.words(incoming.context)
        with _counted(spoken.command.verb):
            if words and spoken.command.names:
                async with asked_beside(self._catalog.apps()) as apps:
                    caller = await self._dispatcher.admit(incoming, spoken.command.allow)
                    known = visible(self._policy, caller, await apps)
                words.vocabulary = Vocabulary(known, self._catalog.environments)
            await self._answer(spoken.parse(words), incoming, respond)

    async def _mention(self, incoming: Incoming, body: Body, respond: Respond | None) -> None:  # noqa: ARG002
        await self._command(incoming, {"command": "/pilothouse", "text": incoming.typed}, respond)

    async def _apps(self, caller: Caller) -> tuple[str, ...]:
        """Those that the caller may know of: no other is understood, or offered for one that is mistyped."""
        return visible(self._policy, caller, await self._catalog.apps())

    async def _button(self, incoming: Incoming, body: Body, respond: Respond | None) -> None:
        intent = read_press(body, incoming.context)
        with _counted(self._registry.answering(intent).verb):
            await self._answer(intent, incoming, respond)

    async def _shortcut(self, incoming: Incoming, body: Body, respond: Respond | None) -> None:
        intent = await self._shortcuts.intent(body, incoming.context)
        with _counted(self._registry.answering(intent).verb):
            await self._answer(intent, incoming, respond)

    async def _submission(self, incoming: Incoming, body: Body, respond: Respond | None) -> None:
        form = read_form(body["view"])
        intent = read_intent(form, self._registry.form(form.verb), incoming.context)
        command = self._registry.answering(intent)
        with _counted(command.verb):
            if app := form[Input.APP]:
                # Of an external select Slack does not know what was offered: the name is whatever the client sent.
                caller = await self._dispatcher.admit(incoming, command.allow)
                if app not in (apps := await self._apps(caller)):
                    raise no_app(self._policy, caller, app, apps)
            await self._answer(intent, incoming, respond)

    async def _answer(self, intent: Intent, incoming: Incoming, respond: Respond | None) -> None:
        title = self._registry.answering(intent).modal
        if title and not incoming.trigger:
            raise UserError(NO_TRIGGER)
        if title and incoming.age > TRIGGER_SECONDS:
            raise UserError(NO_WINDOW)
        if incoming.age > SENSELESS and not lasts(intent):
            raise UserError(TOO_LATE)
        if not title:
            reply = await self._dispatcher.ask(intent, incoming)
            await self._answers.reply(reply, incoming, respond, common(targets(intent)))
            return
        view = await self._answers.open(title, incoming)
        try:
            await self._answers.fill(view, await self._dispatcher.ask(intent, incoming), intent)
        except Exception as error:  # noqa: BLE001 (a modal that says "one moment" for ever is worse)
            await self._answers.close(view, title, explain(error, incoming.correlation_id))

    async def _show_home(self, incoming: Incoming, body: Body, respond: Respond | None) -> None:  # noqa: ARG002
        try:
            await self._home.show(await self._dispatcher.admit(incoming, Permission.VIEW))
        except Exception as error:  # noqa: BLE001 (nobody waits for an exception here)
            await self.refuse_home(incoming, explain(error, incoming.correlation_id))

    async def refuse_home(self, incoming: Incoming, sentence: str) -> None:
        """Slack may refuse that, too: then the log has it."""
        try:
            await self._home.refuse(incoming.user, sentence)
        except IntegrationError as error:
            log.warning("home.not_shown", error=str(error))
        except Exception:
            log.exception("home.not_shown")


def lasts(intent: Intent) -> bool:
    """Who types the id of a promotion says yes to what it holds then: much later that may be something else."""
    return isinstance(intent, LASTING) and not (isinstance(intent, Approve) and not intent.content_hash)


@contextmanager
def _counted(verb: str) -> Iterator[None]:
    outcome = "failed"
    with COMMAND_SECONDS.labels(verb).time():
        try:
            yield
            outcome = "done"
        except UserError:
            outcome = "refused"
            raise
        finally:
            COMMANDS.labels(verb, outcome).inc()
