"""What happens with each kind of request: acknowledge, then read, authorize, run, answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from bot.command import CommandRegistry, Services
from bot.domain.caller import Caller, Permission
from bot.domain.errors import IntegrationError, UserError
from bot.domain.intent import Intent
from bot.grammar import Vocabulary
from bot.overlays.catalog import Catalog
from bot.policy import Policy, no_app, visible
from bot.ports import Messenger, Modals
from bot.router.answers import Answers, Respond
from bot.router.buttons import is_button, read_press
from bot.router.dispatch import Dispatcher, Repeated
from bot.router.explanations import explain
from bot.router.forms import Form, objections, read_form, read_intent
from bot.router.home import Home
from bot.router.incoming import Body, Incoming, from_button, from_event, from_slash, from_submission, from_suggestion
from bot.router.suggestions import Suggestions
from bot.router.tasks import Tasks
from bot.runtime.metrics import COMMAND_SECONDS, COMMANDS
from bot.views import options
from bot.views.ids import Input

Ack = Callable[..., Awaitable[Any]]
Work = Coroutine[Any, Any, None]

STOPPING = "Pilothouse is restarting, so nothing was done. Try again in a minute."
SUGGESTION_SECONDS = 2.5
"""Slack shows an error after 3 s (S10); no suggestions are better."""

log = structlog.get_logger(__name__)


class Router:
    """Every `on_…` is handed what Slack sent, and acknowledges before anything slow (S10).

    `services`: type → object, for the commands to ask for; the router itself needs Policy, Catalog, Directory,
    RequestLog, Messenger, Modals, CommandRegistry, Promotions and StatusQuery among them.
    """

    def __init__(self, registry: CommandRegistry, services: Services) -> None:
        self._registry = registry
        self._catalog: Catalog = services[Catalog]
        self._policy: Policy = services[Policy]
        self._dispatcher = Dispatcher(registry, services)
        self._answers = Answers(services[Messenger], services[Modals])
        self._suggestions = Suggestions(services)
        self._home = Home(services)
        self._tasks = Tasks()
        self.closed = False

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 (for all of the work together)
        """Take no new work, and let what runs end within `timeout` seconds."""
        self.closed = True
        await self._tasks.drain(timeout)

    async def on_command(self, body: Body, ack: Ack, respond: Respond) -> None:
        if self.closed:
            await ack(STOPPING)
            return
        await ack()
        incoming = from_slash(body)
        self._start(incoming, respond, self._command(incoming, body["command"], body.get("text") or "", respond))

    async def on_button(self, body: Body, ack: Ack, respond: Respond) -> None:
        await ack()
        action = body["actions"][0]
        if is_button(action):
            incoming = from_button(body)
            answer = respond if body.get("response_url") else None
            self._start(incoming, answer, self._button(incoming, body, answer))

    async def on_submission(self, body: Body, ack: Ack) -> None:
        form = read_form(body["view"])
        if found := objections(form, self._catalog.environments):
            await ack(response_action="errors", errors=found)
            return
        await ack()
        incoming = from_submission(body, form.metadata.get("channel", ""))
        self._start(incoming, None, self._submission(incoming, form))

    async def on_suggestion(self, body: Body, ack: Ack) -> None:
        """The options are the acknowledgement; whoever may see nothing, and whatever fails, gets none."""
        incoming = from_suggestion(body)
        with bound_contextvars(correlation_id=incoming.correlation_id):
            try:
                async with asyncio.timeout(SUGGESTION_SECONDS):
                    caller = await self._dispatcher.admit(incoming, Permission.VIEW)
                    choices = await self._suggestions.choices(body, caller, incoming.context)
            except Exception as error:  # noqa: BLE001 (a select that fails must still be answered)
                log.warning("no suggestions", error=repr(error))
                choices = ()
        await ack(options(choices, body.get("value") or ""))

    async def on_home(self, body: Body, ack: Ack) -> None:
        await ack()
        if body["event"].get("tab") == "home" and not self.closed:
            incoming = from_event(body)
            self._tasks.start(self._show_home(incoming))

    def _start(self, incoming: Incoming, respond: Respond | None, work: Work) -> None:
        if self.closed:
            work.close()
            work = self._answers.refuse(STOPPING, incoming, respond)
        self._tasks.start(self._guarded(incoming, respond, work))

    async def _command(self, incoming: Incoming, slash: str, text: str, respond: Respond) -> None:
        spoken = self._registry.find(slash, text)
        words = spoken.words(incoming.context)
        with _counted(spoken.command.verb):
            if words and spoken.command.names:
                caller = await self._dispatcher.admit(incoming, spoken.command.allow)
                words.vocabulary = Vocabulary(await self._apps(caller), self._catalog.environments)
            intent = spoken.parse(words)
            await self._answer(intent, incoming, respond)

    async def _apps(self, caller: Caller) -> tuple[str, ...]:
        """Those that the caller may know of: no other is understood, or offered for one that is mistyped."""
        return visible(self._policy, caller, await self._catalog.apps())

    async def _button(self, incoming: Incoming, body: Body, respond: Respond | None) -> None:
        intent = read_press(body, incoming.context)
        with _counted(self._registry.answering(intent).verb):
            await self._answer(intent, incoming, respond)

    async def _submission(self, incoming: Incoming, form: Form) -> None:
        intent = read_intent(form, incoming.context)
        command = self._registry.answering(intent)
        with _counted(command.verb):
            if app := form[Input.APP]:
                # Of an external select Slack does not know what was offered: the name is whatever the client sent.
                caller = await self._dispatcher.admit(incoming, command.allow)
                if app not in (apps := await self._apps(caller)):
                    raise no_app(self._policy, caller, app, apps)
            await self._answer(intent, incoming, None)

    async def _answer(self, intent: Intent, incoming: Incoming, respond: Respond | None) -> None:
        title = self._registry.answering(intent).modal
        if not title:
            await self._answers.reply(await self._dispatcher.ask(intent, incoming), incoming, respond)
            return
        view = await self._answers.open(title, incoming)
        try:
            await self._answers.fill(view, await self._dispatcher.ask(intent, incoming), intent)
        except Exception as error:  # noqa: BLE001 (a modal that says "one moment" for ever is worse)
            await self._answers.close(view, title, explain(error, incoming.correlation_id))

    async def _show_home(self, incoming: Incoming) -> None:
        with bound_contextvars(correlation_id=incoming.correlation_id, user=incoming.user):
            try:
                await self._home.show(await self._dispatcher.admit(incoming, Permission.VIEW))
            except Exception as error:  # noqa: BLE001 (nobody waits for an exception here)
                await self._refuse_home(incoming, explain(error, incoming.correlation_id))

    async def _refuse_home(self, incoming: Incoming, sentence: str) -> None:
        """Slack may refuse that, too: then the log has it."""
        try:
            await self._home.refuse(incoming.user, sentence)
        except IntegrationError as error:
            log.warning("home.not_shown", error=str(error))

    async def _guarded(self, incoming: Incoming, respond: Respond | None, work: Work) -> None:
        with bound_contextvars(correlation_id=incoming.correlation_id, user=incoming.user, kind=incoming.kind):
            try:
                await work
            except Repeated:
                log.info("delivered again, and answered the first time")
            except Exception as error:  # noqa: BLE001 (nobody waits for an exception here)
                await self._answers.refuse(explain(error, incoming.correlation_id), incoming, respond)


@contextmanager
def _counted(verb: str) -> Iterator[None]:
    outcome = "failed"
    with COMMAND_SECONDS.labels(verb).time():
        try:
            yield
            outcome = "done"
        except Repeated:
            outcome = "repeated"
            raise
        except UserError:
            outcome = "refused"
            raise
        finally:
            COMMANDS.labels(verb, outcome).inc()
