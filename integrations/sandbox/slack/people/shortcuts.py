"""A person chooses a shortcut: from the menu of a message, or from Slack's own."""

from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.model import Json
from integrations.sandbox.slack.people.stage import Stage, outcome


class Shortcuts:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def run(self, as_user: str, callback_id: str, channel: str = "", ts: str = "") -> Json:
        """The one of a message where `ts` names one. Raises PersonError; ephemeral messages have no such menu."""
        core = self._stage.core
        user = core.workspace.the_person(as_user)
        menu = "message" if ts else "global"
        if not any(one.callback_id == callback_id and one.type == menu for one in core.config.shortcuts):
            raise PersonError(f"there is no {menu} shortcut {callback_id!r}: the app's manifest declares none")
        if not ts:
            return outcome(await self._stage.send("interactive", self._stage.payloads.shortcut(user, callback_id)))
        where = core.workspace.the_channel(user, channel)
        message = core.timeline.find(where.id, ts)
        if message is None or message.ephemeral_to:
            raise PersonError(f"{user.name} sees no message {ts!r} with a menu in {channel}")
        payload = self._stage.payloads.message_shortcut(user, where, message, callback_id)
        return outcome(await self._stage.send("interactive", payload))
