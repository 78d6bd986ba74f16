"""The Events API: what happens in the workspace, told to the app, and told again when it does not answer (S11)."""

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.delivery import Answer, SlackDelivery, Transport
from integrations.sandbox.slack.model import Json, Message
from integrations.sandbox.slack.payloads import Payloads

RETRY_AFTER = (0.0, 60.0, 300.0)
MESSAGE_SCOPES = {"channels": "message.channels", "groups": "message.groups", "im": "message.im"}
CHANNEL_TYPES = {"channels": "channel", "groups": "group", "im": "im"}


class Events:
    """Publishes the events that the app subscribed to. Three retries: at once, after 1 minute, after 5 (S11)."""

    def __init__(self, core: Core, transport: Transport, payloads: Payloads) -> None:
        self._core = core
        self._transport = transport
        self._payloads = payloads
        core.timeline.listeners.append(self._message_changed)

    async def publish(self, event: Json, subscription: str = "") -> Answer | None:
        """The first delivery's answer, its retries running on behind; None when the app did not subscribe."""
        if (subscription or event["type"]) not in self._core.config.events:
            return None
        payload = self._payloads.event(event)
        answer = await self._transport.deliver(SlackDelivery("events_api", payload))
        if not answer.acked and not answer.no_retry:
            self._core.later(self._redeliver(payload, answer.reason))
        return answer

    def publish_later(self, event: Json, subscription: str = "") -> None:
        async def work() -> None:
            await self.publish(event, subscription)

        if (subscription or event["type"]) in self._core.config.events:
            self._core.later(work())

    async def _redeliver(self, payload: Json, reason: str) -> None:
        for attempt, pause in enumerate(RETRY_AFTER, start=1):
            await self._core.clock.sleep(pause)
            delivery = SlackDelivery("events_api", payload, retry_attempt=attempt, retry_reason=reason)
            answer = await self._transport.deliver(delivery)
            if answer.acked or answer.no_retry:
                return
            reason = answer.reason
        self._core.complain(f"the event {payload['event']['type']} was given up after {len(RETRY_AFTER)} retries")

    def _message_changed(self, change: str, message: Message) -> None:
        """Only in conversations that the bot is in; ephemeral messages tell nobody (S14)."""
        channel = self._core.workspace.channels[message.channel]
        bot = self._core.workspace.app.bot_user_id
        if message.ephemeral_to or bot not in channel.members:
            return
        family = channel.scope_family
        event = self._message_event(change, message)
        place = {"channel": channel.id, "channel_type": CHANNEL_TYPES[family]}
        self.publish_later({**event, **place}, MESSAGE_SCOPES[family])
        if change == "posted" and not message.bot_id and not channel.is_im and f"<@{bot}>" in message.text:
            self.publish_later({**event, "type": "app_mention", "channel": channel.id})

    def _message_event(self, change: str, message: Message) -> Json:
        shown = wire.message_object(message, self._core.workspace)
        if change == "posted":
            extra = {} if message.bot_id else {"client_msg_id": f"{message.ts}-{message.user}"}
            return {**shown, **extra, "event_ts": message.ts}
        now = self._core.timeline.next_ts()
        event: Json = {"type": "message", "ts": now, "event_ts": now, "hidden": True}
        if change == "deleted":
            return {**event, "subtype": "message_deleted", "previous_message": shown, "deleted_ts": message.ts}
        return {**event, "subtype": "message_changed", "message": shown}
