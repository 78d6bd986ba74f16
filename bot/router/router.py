"""What happens with each kind of request: it is noted, acknowledged, and then done."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from bot.command import CommandRegistry, Runner
from bot.domain.caller import Permission
from bot.overlays.catalog import Catalog
from bot.ports import Request, RequestLog
from bot.router.answers import Answers, Respond
from bot.router.buttons import is_button
from bot.router.charts import Charts
from bot.router.dispatch import Dispatcher
from bot.router.explanations import explain
from bot.router.forms import Form, objections, read_form
from bot.router.handlers import Handlers
from bot.router.home import Home
from bot.router.inbox import Inbox
from bot.router.incoming import (
    Body,
    Incoming,
    from_button,
    from_event,
    from_mention,
    from_shortcut,
    from_slash,
    from_submission,
    from_suggestion,
    is_said_to_us,
)
from bot.router.shortcuts import Shortcuts
from bot.router.suggestions import Suggestions
from bot.router.tasks import Tasks
from bot.router.wire import kept
from bot.runtime.clock import Seconds
from bot.runtime.injection import Injector, Offered
from bot.views import options

Ack = Callable[..., Awaitable[Any]]
Refuse = Callable[[str], Awaitable[Any]]
"""says why a request is not taken, in the acknowledgement or beside it"""

STOPPING = "Pilothouse is restarting, so nothing was done. Try again in a minute."
SUGGESTION_SECONDS = 2.5
"""Slack shows an error after 3 s (S10); no suggestions are better."""

log = structlog.get_logger(__name__)


class Router:
    """Every `on_…` is handed what Slack sent, notes it, acknowledges, and leaves the rest to what was noted (S10).

    `clock` counts seconds since the epoch.
    """

    def __init__(
        self,
        registry: CommandRegistry,
        catalog: Catalog,
        dispatcher: Dispatcher,
        answers: Answers,
        suggestions: Suggestions,
        handlers: Handlers,
        requests: RequestLog,
        clock: Seconds = time.time,
    ) -> None:
        self._registry = registry
        self._catalog = catalog
        self._dispatcher = dispatcher
        self._answers = answers
        self._suggestions = suggestions
        self.handlers = handlers
        self._tasks = Tasks()
        self._clock = clock
        self.inbox = Inbox(requests, handlers.handle, handlers.tell_not_taken, self._tasks, clock)

    @property
    def closed(self) -> bool:
        """Whether requests are refused: the bot starts or stops."""
        return self.inbox.closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        self.inbox.closed = closed

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 (for all of the work together)
        """Take no new work, and let what runs end within `timeout` seconds; the rest is for the next process."""
        self.closed = True
        await self._tasks.drain(timeout)
        await self.inbox.release()

    async def on_command(self, body: Body, ack: Ack, respond: Respond) -> None:
        await self._take("command", from_slash(body), body, ack, respond, refuse=ack)

    async def on_button(self, body: Body, ack: Ack, respond: Respond) -> None:
        if not is_button(body["actions"][0]):
            await ack()
            return
        incoming, answer = from_button(body), respond if body.get("response_url") else None
        await self._take("button", incoming, body, ack, answer)

    async def on_shortcut(self, body: Body, ack: Ack, respond: Respond) -> None:
        """Of a message, or of none: then there is no response_url, and the answer is a direct message (S14)."""
        answer = respond if body.get("response_url") else None
        await self._take("shortcut", from_shortcut(body), body, ack, answer)

    async def on_submission(self, body: Body, ack: Ack) -> None:
        form = read_form(body["view"])
        if found := objections(form, self._registry.form(form.verb), self._catalog.environments):
            await ack(response_action="errors", errors=found)
            return
        await self._take("submission", from_submission(body), body, ack, None, refuse=_objecting(form, ack))

    async def on_suggestion(self, body: Body, ack: Ack) -> None:
        """The options are the acknowledgement; whoever may see nothing, and whatever fails, gets none."""
        incoming = from_suggestion(body)
        with bound_contextvars(correlation_id=incoming.correlation_id):
            try:
                async with asyncio.timeout(SUGGESTION_SECONDS):
                    caller = await self._dispatcher.admit(incoming, Permission.VIEW)
                    choices = await self._suggestions.choices(body, caller, incoming.context)
            except Exception as error:  # noqa: BLE001 (a select that fails must still be answered)
                log.warning("suggestions.failed", error=repr(error))
                choices = ()
        await ack(options(choices, body.get("value") or ""))

    async def on_home(self, body: Body, ack: Ack) -> None:
        if body["event"].get("tab") != "home":
            await ack()
            return
        incoming = from_event(body)

        async def refuse(sentence: str) -> None:
            await ack()
            self._tasks.start(self.handlers.refuse_home(incoming, sentence))

        await self._take("event", incoming, body, ack, None, refuse)

    async def on_message(self, body: Body, ack: Ack) -> None:
        """What people say to the bot: `@pilothouse deploy my-app prod`, in threads too, and in direct messages."""
        if is_said_to_us(body["event"]):
            await self._take("mention", from_mention(body), body, ack, None)
        else:
            await ack()

    async def _take(
        self, kind: str, incoming: Incoming, body: Body, ack: Ack, respond: Respond | None, refuse: Refuse | None = None
    ) -> None:
        """Acknowledged is what is noted; what cannot be is refused in the same breath, and the person hears why."""

        async def beside(sentence: str) -> None:
            await ack()
            self._tasks.start(self._answers.refuse(sentence, incoming, respond))

        request = Request(incoming.request_id, kind, kept(kind, body), self._clock())
        if self.closed:
            await (refuse or beside)(STOPPING)
            return
        try:
            new = await self.inbox.note(request)
        except Exception as error:  # noqa: BLE001 (whatever keeps it from being noted, it is not taken)
            await (refuse or beside)(explain(error, incoming.correlation_id))
            return
        try:
            await ack()
        except BaseException:
            if new:
                self.inbox.leave(request)
            raise
        if new:
            self.inbox.begin(request, respond)
        else:
            log.info("request.delivered_again", kind=kind, correlation_id=incoming.correlation_id)


def _objecting(form: Form, ack: Ack) -> Refuse | None:
    """In the modal, which stays open with what was filled in; None for one that has no inputs."""
    first = next(iter(form.values), None)
    return (lambda sentence: ack(response_action="errors", errors={first: sentence})) if first else None


def open_router(registry: CommandRegistry, offered: Offered, clock: Seconds = time.time) -> Router:
    """The router over its parts, each handed what its constructor names, and nothing else.

    `offered` is what commands may ask for, and Messenger and Modals. Raises TypeError for what nobody offers.
    """
    known = {**offered, CommandRegistry: registry, Runner: registry.bind(offered), Seconds: clock}
    parts: tuple[type[Any], ...] = (Charts, Answers, Dispatcher, Suggestions, Shortcuts, Home, Handlers)
    for part in parts:  # later ones are made of the earlier ones
        known[part] = Injector(known).make(part)
    return Injector(known).make(Router)
