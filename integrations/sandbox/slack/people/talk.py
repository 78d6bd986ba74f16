"""A person writes messages, and opens the app's Home tab."""

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.events import Events
from integrations.sandbox.slack.model import Json
from integrations.sandbox.slack.people.composer import rich_text
from integrations.sandbox.slack.people.stage import Stage


class Talk:
    def __init__(self, stage: Stage, events: Events) -> None:
        self._stage = stage
        self._events = events

    def message(self, as_user: str, channel: str, text: str, thread_ts: str = "") -> Json:
        """Posts what a person typed; the app hears of it by the events that it subscribed to."""
        core = self._stage.core
        user = core.workspace.the_person(as_user)
        where = core.workspace.the_channel(user, channel)
        if not text.strip():
            raise PersonError("an empty message cannot be sent")
        if thread_ts and core.timeline.find(where.id, thread_ts) is None:
            raise PersonError(f"there is no message {thread_ts!r} in {channel} to reply to")
        escaped = self._stage.payloads.escaped(text)
        posted = core.timeline.post(where, user.id, text=escaped, blocks=[rich_text(escaped)], thread_ts=thread_ts)
        return {"ok": True, "ts": posted.ts, "channel": where.id}

    async def open_home(self, as_user: str) -> Json:
        """Delivers app_home_opened, with the view that was published before, if any."""
        core = self._stage.core
        user = core.workspace.the_person(as_user)
        now = core.timeline.next_ts()
        im = core.workspace.im(user.id).id
        event: Json = {"type": "app_home_opened", "user": user.id, "channel": im, "tab": "home", "event_ts": now}
        home = core.views.home(user.id)
        if home:
            event["view"] = wire.view_object(home, core.workspace)
        answer = await self._events.publish(event)
        acked = answer is not None and answer.acked
        error = "not_subscribed" if answer is None else answer.error
        return {"ok": acked, "acked": acked, **({"error": error} if error else {})}
