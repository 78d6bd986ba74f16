"""What every simulated person needs: the workspace, the way to the app, and one shape for outcomes."""

from dataclasses import dataclass

from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.delivery import Answer, Kind, SlackDelivery, Transport
from integrations.sandbox.slack.model import Channel, Json, Message, SlackUser
from integrations.sandbox.slack.payloads import Payloads


@dataclass(frozen=True)
class Stage:
    core: Core
    transport: Transport
    payloads: Payloads

    async def send(self, kind: Kind, payload: Json, wants_reply: bool = False) -> Answer:
        """Commands and interactions are delivered once, whatever comes of it (S10)."""
        answer = await self.transport.deliver(SlackDelivery(kind, payload, wants_reply))
        if not answer.acked:
            what = payload.get("command") or payload.get("type") or kind
            self.core.complain(f"{what} was not acknowledged: {answer.error}")
            self.core.changes.tell("failure", what=what, error=answer.error, user=_sender(payload))
        return answer

    def slackbot_says(self, user: SlackUser, channel: Channel, text: str) -> Message:
        """The line that only this person sees when something went wrong."""
        return self.core.timeline.post(channel, "USLACKBOT", text=text, ephemeral_to=user.id)


def _sender(payload: Json) -> str:
    user = payload.get("user") or {}
    return str(payload.get("user_id") or user.get("id", ""))


def outcome(answer: Answer) -> Json:
    """{ok, acked, response?, error?} as the people's methods return it."""
    result: Json = {"ok": answer.acked, "acked": answer.acked}
    if answer.payload:
        result["response"] = answer.payload
    if answer.error:
        result["error"] = answer.error
    return result
