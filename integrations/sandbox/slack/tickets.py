"""Short-lived permissions that Slack hands to an app: triggers to open a modal, URLs to answer later."""

import secrets
from dataclasses import dataclass

from integrations.sandbox.slack.clock import SlackClock
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.model import Team

TRIGGER_LIFE = 3.0
RESPONSE_URL_LIFE = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """`view_id` is the modal that the interaction came from, or ""."""

    user: str
    born: float
    view_id: str = ""
    used: bool = False


class Triggers:
    """Trigger ids live three seconds and work once (S15)."""

    def __init__(self, clock: SlackClock) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}

    def issue(self, user: str, view_id: str = "") -> str:
        now = self._clock.now()
        self._triggers = {key: trigger for key, trigger in self._triggers.items() if now - trigger.born < 600}
        trigger_id = f"{int(now * 1000)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, now, view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Raises SlackError: invalid_trigger_id, expired_trigger_id, exchanged_trigger_id."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock.now() - trigger.born > TRIGGER_LIFE:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger


@dataclass
class ResponseTicket:
    """Where an answer to one interaction goes; `message_ts` is the message that the interaction came from, or ""."""

    user: str
    channel: str
    born: float
    message_ts: str = ""
    uses_left: int = RESPONSE_URL_USES


class ResponseUrls:
    """Response URLs: five uses in thirty minutes (S14)."""

    def __init__(self, clock: SlackClock, team: Team) -> None:
        self._clock = clock
        self._team = team
        self._tickets: dict[str, ResponseTicket] = {}

    def issue(self, kind: str, user: str, channel: str, message_ts: str = "") -> str:
        """The path of a new URL; `kind` is "commands", "actions" or "app"."""
        now = self._clock.now()
        self._tickets = {key: one for key, one in self._tickets.items() if now - one.born <= RESPONSE_URL_LIFE}
        path = f"/{kind}/{self._team.id}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        self._tickets[path] = ResponseTicket(user, channel, now, message_ts)
        return path

    def use(self, path: str) -> ResponseTicket:
        """Raises SlackError expired_url when it is unknown, too old or used up."""
        ticket = self._tickets.get(path)
        if ticket is None or ticket.uses_left <= 0 or self._clock.now() - ticket.born > RESPONSE_URL_LIFE:
            raise SlackError("expired_url")
        ticket.uses_left -= 1
        return ticket
