"""How answers travel: back along the request where Slack lets them, else as a message that only the asker sees."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from bot.domain import slack_id
from bot.domain.caller import Target
from bot.domain.errors import DatabaseAway, IntegrationError, NotFound, Unavailable, UserError
from bot.domain.intent import Intent
from bot.domain.promotion import Promotion
from bot.domain.reply import DoraReport, Picker, ReasonForm, Reply, RunLog, Silent, Started, TrainApps
from bot.grammar.tokens import as_composed
from bot.notify.permalinks import Permalinks
from bot.ports import FileUpload, Messenger, Modals, Posted, Rendered
from bot.router.charts import Charts
from bot.router.forms import carried_along
from bot.router.incoming import Incoming
from bot.store.threads import ThreadStore
from bot.views import closing_modal, loading_modal, modal, render
from bot.views.layout import sentence, with_card, with_note
from bot.views.refusal import late, refusal
from bot.views.runs import log_file, longer_than_shown
from bot.views.train import train_apps

Respond = Callable[..., Awaitable[Any]]
"""Bolt's `respond`: posts to the request's response_url (S14)"""

PAUSES = (2.0, 8.0, 30.0)
"""seconds before an answer that Slack was too busy for is tried again"""
LOOKS = (0.2, 0.3, 0.5)
"""seconds between looks whether a card that is on its way is there"""
UNSEEN = (
    "I have done what you asked for, but Slack did not show you my answer. There is no need to ask again for it to "
    "happen: `/pilothouse status` and `/history` show what has become of it."
)

log = structlog.get_logger(__name__)

NOTHING = Target()


class Answers:
    def __init__(
        self,
        messenger: Messenger,
        modals: Modals,
        pauses: Sequence[float] = PAUSES,
        links: Permalinks | None = None,
        looks: Sequence[float] = LOOKS,
        charts: Charts | None = None,
        threads: ThreadStore | None = None,
    ) -> None:
        self._threads = threads
        self._charts = charts or Charts(messenger)
        self._looks = looks
        self._messenger = messenger
        self._links = links
        self._modals = modals
        self._pauses = pauses

    async def reply(self, reply: Reply, incoming: Incoming, respond: Respond | None, about: Target = NOTHING) -> None:
        """Whatever a command answers with, but for modals. Never raises for Slack: what was asked for is done.

        `about`: which app and environment the question named.
        """
        if isinstance(reply, Silent):
            return
        about = reply.about.plan.about if reply.about else about
        message = await self._with_link(render(reply), reply.about, new=isinstance(reply, Started))
        if isinstance(reply, DoraReport) and (note := self._charts.note(reply)):
            message = with_note(message, note)
        told = await self._insist(partial(self.tell, message, incoming, respond, about))
        if told and isinstance(reply, RunLog) and longer_than_shown(reply):
            told = await self._insist(partial(self._send_log, reply, incoming))
        if told and isinstance(reply, DoraReport) and (why := await self._charts.send(reply, incoming.user)):
            told = await self._insist(partial(self.tell, sentence(why), incoming, respond))
        if not told:
            unseen = f"{UNSEEN} If an administrator asks, the id is `{incoming.correlation_id}`."
            await self.refuse(unseen, incoming, respond)

    async def _with_link(self, message: Rendered, promotion: Promotion | None, *, new: bool) -> Rendered:
        """With where its card is. For one that is on its way we wait a little; else its channel is named already."""
        if promotion is None or self._links is None:
            return message
        for pause in (*self._looks, None) if new else (None,):
            if link := await self._links.to(promotion.id, promotion.plan.channel):
                return with_card(message, link)
            if pause is not None:
                await asyncio.sleep(pause)
        return message

    async def refuse(self, sentence: str, incoming: Incoming, respond: Respond | None) -> None:
        """Why something was not done. Where Slack does not take that either, the log has it."""
        await self._insist(partial(self.tell, refusal(sentence, as_composed(incoming.typed)), incoming, respond))

    async def _insist(self, say: Callable[[], Awaitable[None]]) -> bool:
        """Again, a little later each time, while Slack is busy. False when it does not take it at all."""
        for pause in (*self._pauses, None):
            try:
                await say()
            except IntegrationError as error:
                log.warning("answer.not_shown", error=str(error))
                if pause is None or not isinstance(error, Unavailable):
                    return False
                await asyncio.sleep(pause)
            else:
                return True
        return False

    async def tell(
        self, message: Rendered, incoming: Incoming, respond: Respond | None, about: Target = NOTHING
    ) -> None:
        """Only the asker sees it; where the conversation is closed to the bot, it comes as a direct message."""
        if incoming.late:
            message = late(message, datetime.fromtimestamp(incoming.at, UTC))
        if respond is not None and await _responded(respond, message):
            return
        if incoming.kind == "mention" and slack_id.is_direct(incoming.channel):
            await self._note(
                await self._messenger.post(incoming.channel, message, thread=incoming.thread), incoming, about
            )
            return
        if not (incoming.channel and await self._whispered(message, incoming)):
            await self._note(await self._messenger.direct(incoming.user, message), incoming, about)

    async def _note(self, posted: Posted, incoming: Incoming, about: Target) -> None:
        """What it is about, for the shortcuts in its menu. It is said by then, whatever becomes of the note."""
        if self._threads is None or about == NOTHING:
            return
        try:
            await self._threads.placed(f"answer-{incoming.request_id}", posted.channel, posted, about=about)
        except DatabaseAway as error:
            log.info("answer.not_noted", error=str(error))

    async def open(self, title: str, incoming: Incoming) -> str:
        """A modal that says "one moment": the trigger lives three seconds, look-ups may take longer (S15)."""
        try:
            return await self._modals.open(incoming.trigger, loading_modal(title))
        except IntegrationError as error:
            raise UserError("Slack did not open the window in time. Try again, or type the whole command.") from error

    async def fill(self, view_id: str, form: Reply, intent: Intent) -> None:
        """Put the form in the place of "one moment". Raises TypeError for a reply that is no form."""
        if isinstance(form, TrainApps):
            await self._update(view_id, train_apps(form))
            return
        if not isinstance(form, Picker | ReasonForm):
            raise TypeError(f"{type(form).__name__} is not a form, but its command opens a modal")
        await self._update(view_id, modal(form, carried_along(intent)))

    async def close(self, view_id: str, title: str, sentence: str) -> None:
        """Say in the modal why it cannot go on."""
        await self._update(view_id, closing_modal(title, refusal(sentence).text))

    async def _update(self, view_id: str, view: Mapping[str, Any]) -> None:
        try:
            await self._modals.update(view_id, view)
        except NotFound:
            log.info("modal.closed")

    async def _whispered(self, message: Rendered, incoming: Incoming) -> bool:
        try:
            await self._messenger.whisper(incoming.channel, incoming.user, message, thread=incoming.thread)
        except IntegrationError as error:
            log.info("answer.not_ephemeral", error=str(error))
            return False
        return True

    async def _send_log(self, reply: RunLog, incoming: Incoming) -> None:
        """The whole log as a file, to the asker alone."""
        name, content = log_file(reply)
        note = Rendered(f"The whole log of {reply.run.name} is in this thread.")
        posted = await self._messenger.direct(incoming.user, note)
        await self._messenger.upload(posted.channel, FileUpload(name, content, name), posted.ts)


async def _responded(respond: Respond, message: Rendered) -> bool:
    """False when the response_url has run out (S14) or cannot be reached."""
    try:
        answer = await respond(
            text=message.text, blocks=list(message.blocks), response_type="ephemeral", replace_original=False
        )
    except Exception as error:  # noqa: BLE001 (the answer has another way to go)
        log.warning("answer.response_url_failed", error=repr(error))
        return False
    return bool(getattr(answer, "status_code", 0) == 200)
