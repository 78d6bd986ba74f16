"""Who and what is in the workspace, and how names that people type find it."""

from collections.abc import Iterable

from integrations.sandbox.slack import seed
from integrations.sandbox.slack.changes import Changes
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.model import AppIdentity, Channel, Group, SlackUser, Team


class Workspace:
    """Users, user groups and conversations. Look-ups return None; those named `the_…` raise PersonError."""

    def __init__(self, changes: Changes, team: Team | None = None, app: AppIdentity | None = None) -> None:
        self._changes = changes
        self.team = team or Team()
        self.app = app or AppIdentity()
        self.users = {user.id: user for user in seed.users(self.app)}
        self.groups = {group.id: group for group in seed.groups()}
        self.channels = {channel.id: channel for channel in seed.channels(self.app)}
        for person in self.people:
            self.im(person.id)

    @property
    def people(self) -> list[SlackUser]:
        return [user for user in self.users.values() if not user.is_bot and user.id != "USLACKBOT"]

    def user(self, ref: str) -> SlackUser | None:
        """By id, name or @name."""
        name = ref.removeprefix("@").lower()
        return self.users.get(ref) or next((user for user in self.users.values() if user.name == name), None)

    def group(self, ref: str) -> Group | None:
        handle = ref.removeprefix("@").lower()
        return self.groups.get(ref) or next((g for g in self.groups.values() if g.handle == handle), None)

    def channel(self, ref: str) -> Channel | None:
        """By id, name or #name; direct messages only by id."""
        name = ref.removeprefix("#").lower()
        named = (channel for channel in self.channels.values() if not channel.is_im and channel.name == name)
        return self.channels.get(ref) or next(named, None)

    def im(self, user_id: str) -> Channel:
        """The direct message between the bot and a user, opened when it is not there yet."""
        found = next((channel for channel in self.channels.values() if channel.im_user == user_id), None)
        if found:
            return found
        channel = Channel(f"D{user_id[1:]}", "directmessage", [user_id, self.app.bot_user_id], im_user=user_id)
        self.channels[channel.id] = channel
        self._changes.tell("workspace", channel=channel.id)
        return channel

    def the_person(self, ref: str) -> SlackUser:
        """Someone who can act. Raises PersonError for nobody, a bot, or a deactivated user."""
        user = self.user(ref)
        if user is None or user not in self.people:
            names = ", ".join(person.name for person in self.people)
            raise PersonError(f"there is no person {ref!r}: expected one of {names}")
        if user.deleted:
            raise PersonError(f"{user.name} is deactivated and cannot sign in")
        return user

    def the_channel(self, user: SlackUser, ref: str) -> Channel:
        """A conversation of this person; "dm" or "@pilothouse" is their own with the bot. Raises PersonError."""
        if ref.lower() in {"dm", "@bot", "bot", self.app.name, f"@{self.app.name}", self.app.bot_user_id.lower()}:
            return self.im(user.id)
        channel = self.channel(ref)
        if channel is None:
            names = ", ".join(f"#{c.name}" for c in self.channels.values() if user.id in c.members and not c.is_im)
            raise PersonError(f"there is no channel {ref!r}: expected one of {names}, or dm")
        if user.id not in channel.members:
            raise PersonError(f"{user.name} is not in {'that conversation' if channel.is_im else '#' + channel.name}")
        return channel

    def deactivate(self, ref: str) -> SlackUser:
        """Signs a user out for good. Their user groups still list them: membership is eventually consistent (S7)."""
        user = self.the_person(ref)
        user.deleted = True
        for channel in self.channels.values():
            if user.id in channel.members:
                channel.members.remove(user.id)
        self._changes.tell("workspace", user=user.id)
        return user

    def set_group(self, ref: str, members: Iterable[str]) -> Group:
        """Replaces the members of a user group. Raises PersonError for an unknown group or user."""
        group = self.group(ref)
        if group is None:
            raise PersonError(f"there is no user group {ref!r}: expected one of {', '.join(self._handles())}")
        group.members = [self.the_person(member).id for member in members]
        self._changes.tell("workspace", group=group.id)
        return group

    def set_members(self, ref: str, members: Iterable[str]) -> Channel:
        """Replaces the members of a channel; leave the bot out and it is not_in_channel."""
        channel = self.channel(ref)
        if channel is None:
            raise PersonError(f"there is no channel {ref!r}")
        found = [self.user(member) for member in members]
        if None in found:
            raise PersonError(f"unknown user among {list(members)!r}")
        channel.members = [user.id for user in found if user]
        self._changes.tell("workspace", channel=channel.id)
        return channel

    def _handles(self) -> list[str]:
        return [f"@{group.handle}" for group in self.groups.values()]
