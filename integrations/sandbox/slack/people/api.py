"""All that people can do in the workspace, and all that they see, in one place."""

from collections.abc import Iterable
from typing import Any

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.changes import ChangeSubscription
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.current_transport import CurrentTransport
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.events import Events
from integrations.sandbox.slack.model import Json
from integrations.sandbox.slack.payloads import Payloads
from integrations.sandbox.slack.people import show
from integrations.sandbox.slack.people.actions import Actions, Press
from integrations.sandbox.slack.people.commands import Commands
from integrations.sandbox.slack.people.elements import find
from integrations.sandbox.slack.people.modals import Modals
from integrations.sandbox.slack.people.open_views import the_view
from integrations.sandbox.slack.people.shortcuts import Shortcuts
from integrations.sandbox.slack.people.stage import Stage
from integrations.sandbox.slack.people.suggestions import Suggestions
from integrations.sandbox.slack.people.talk import Talk

PNG = b"\x89PNG\r\n"


class People:
    """A person is named "ana" or "U0ANA"; a channel "#deployments", by id, or "dm" for their own with the bot.

    Every method raises PersonError, with a sentence, for what Slack's client would not let that person do.
    """

    def __init__(self, core: Core, courier: CurrentTransport) -> None:
        self._core = core
        payloads = Payloads(core)
        self._events = Events(core, courier, payloads)
        self._stage = Stage(core, courier, payloads)
        self._suggestions = Suggestions(self._stage)
        self._commands = Commands(self._stage)
        self._actions = Actions(self._stage, self._suggestions)
        self._modals = Modals(self._stage, self._suggestions)
        self._talk = Talk(self._stage, self._events)
        self._shortcuts = Shortcuts(self._stage)
        self._courier = courier

    def subscribe(self) -> ChangeSubscription:
        """Iterate over it for changes: {"type": "message" | "view" | "home" | "workspace" | "connection" | ...}."""
        return self._core.changes.subscribe()

    def workspace(self) -> Json:
        return show.workspace(self._core, self._courier.socket_mode.connections)

    def messages(self, channel: str, as_user: str) -> list[Json]:
        """What this person sees in a conversation, oldest first, thread replies and ephemeral messages included."""
        user = self._core.workspace.the_person(as_user)
        where = self._core.workspace.the_channel(user, channel)
        return [show.message(message) for message in self._core.timeline.visible(where.id, user.id)]

    def file_content(self, file_id: str) -> tuple[bytes, str]:
        """And its MIME type: a picture, else plain text."""
        file = self._core.files.find(file_id)
        if file is None or file.content is None:
            raise PersonError(f"there is no file {file_id!r}")
        return file.content, "image/png" if file.content.startswith(PNG) else "text/plain"

    async def command(self, as_user: str, channel: str, text: str) -> Json:
        """Types a slash command. {ok, acked, response?, error?, ts?}: what the app acknowledged, and how it shows."""
        return await self._commands.run(as_user, channel, text)

    async def act(
        self,
        as_user: str,
        channel: str,
        ts: str,
        action_id: str | None = None,
        *,
        label: str | None = None,
        value: Any = None,
        confirm: bool = True,
        stale: bool = False,
        forged: bool = False,
    ) -> Json:
        """Presses or chooses in a message; see `Press` for what the arguments mean. {ok, acked, error?}."""
        press = Press(action_id, label, value, confirm, stale, forged)
        return await self._actions.in_message(as_user, channel, ts, press)

    async def shortcut(self, as_user: str, callback_id: str, channel: str = "", ts: str = "") -> Json:
        """Chooses a shortcut in the menu of a message, or the global one without. {ok, acked, error?}."""
        return await self._shortcuts.run(as_user, callback_id, channel, ts)

    async def act_in_view(
        self,
        view_id: str,
        as_user: str,
        action_id: str | None = None,
        *,
        label: str | None = None,
        value: Any = None,
        confirm: bool = True,
        forged: bool = False,
    ) -> Json:
        """Presses or chooses in an open modal or the Home tab. {ok, acked, error?}."""
        return await self._actions.in_view(view_id, as_user, Press(action_id, label, value, confirm, False, forged))

    def views(self, as_user: str) -> list[Json]:
        """The person's open modals, the visible one last."""
        user = self._core.workspace.the_person(as_user)
        return [wire.view_object(view, self._core.workspace) for view in self._core.views.stack(user.id)]

    def home(self, as_user: str) -> Json | None:
        """The person's Home tab of the app, if one was published."""
        view = self._core.views.home(self._core.workspace.the_person(as_user).id)
        return wire.view_object(view, self._core.workspace) if view else None

    async def submit_view(self, view_id: str, as_user: str, values: Json | None = None) -> Json:
        """{"ok": true}, or {"ok": false, "errors": {block_id: sentence}}; see `Modals.submit`."""
        return await self._modals.submit(view_id, as_user, values or {})

    async def close_view(self, view_id: str, as_user: str) -> Json:
        return await self._modals.close(view_id, as_user)

    async def options(
        self,
        as_user: str,
        action_id: str,
        query: str = "",
        *,
        view_id: str = "",
        channel: str = "",
        ts: str = "",
    ) -> Json:
        """What a select offers while `query` is typed, in a view or in a message. {ok, options | option_groups}."""
        if view_id:
            user = self._core.workspace.the_person(as_user)
            view = the_view(self._core, user, view_id)
            found, place = find(view.blocks, action_id, None), self._stage.payloads.view_place(view)
        else:
            user, where, message = self._actions.the_message(as_user, channel, ts)
            found = find(message.all_blocks(), action_id, None)
            place = self._stage.payloads.message_place(where, message, found.block["block_id"])
        return await self._suggestions.ask(user, found, place, query)

    async def open_home(self, as_user: str) -> Json:
        """Opens the app's Home tab. {ok, acked, error?}."""
        return await self._talk.open_home(as_user)

    def message(self, as_user: str, channel: str, text: str, thread_ts: str = "") -> Json:
        """Writes a message. {ok, ts, channel}."""
        return self._talk.message(as_user, channel, text, thread_ts)

    def mention(self, as_user: str, channel: str, text: str) -> Json:
        """Writes a message that begins with the bot's name."""
        return self.message(as_user, channel, f"@{self._core.workspace.app.name} {text}")

    def deactivate(self, user: str) -> None:
        """Signs a user out for good; their groups still list them for a while (S7)."""
        found = self._core.workspace.deactivate(user)
        space = self._core.workspace
        shown = wire.user_object(found, space.team, space.app, with_email=True)
        self._events.publish_later({"type": "user_change", "user": shown, "event_ts": self._core.timeline.next_ts()})

    def set_group(self, group: str, members: Iterable[str]) -> None:
        """Replaces the members of a user group."""
        before = set(self._core.workspace.groups[g].members) if (g := self._group_id(group)) else set()
        found = self._core.workspace.set_group(group, members)
        now = set(found.members)
        self._events.publish_later(
            {
                "type": "subteam_members_changed",
                "subteam_id": found.id,
                "team_id": self._core.workspace.team.id,
                "added_users": sorted(now - before),
                "removed_users": sorted(before - now),
                "event_ts": self._core.timeline.next_ts(),
            }
        )

    def set_members(self, channel: str, members: Iterable[str]) -> None:
        """Replaces the members of a channel; leave the bot out and it is not_in_channel."""
        self._core.workspace.set_members(channel, members)

    def _group_id(self, ref: str) -> str:
        group = self._core.workspace.group(ref)
        return group.id if group else ""
