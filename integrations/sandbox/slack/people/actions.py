"""A person presses a button or chooses in a select, in a message or in a view."""

import contextlib
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.slack.blockkit.layout import elements_of
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.model import Channel, Json, Message, SlackUser
from integrations.sandbox.slack.people import inputs
from integrations.sandbox.slack.people.elements import Found, find
from integrations.sandbox.slack.people.open_views import the_view
from integrations.sandbox.slack.people.stage import Stage, outcome
from integrations.sandbox.slack.people.suggestions import Suggestions


@dataclass(frozen=True)
class Press:
    """What is pressed and how. `value` replaces a button's own value, or names what is chosen in a select.

    `confirm=False` dismisses a confirm dialog; `stale` presses on an earlier version of the message; `forged`
    chooses an option that was never offered.
    """

    action_id: str | None = None
    label: str | None = None
    value: Any = None
    confirm: bool = True
    stale: bool = False
    forged: bool = False


class Actions:
    def __init__(self, stage: Stage, suggestions: Suggestions) -> None:
        self._stage = stage
        self._suggestions = suggestions
        self._states: dict[tuple[str, str, str], dict[str, dict[str, Json]]] = {}

    async def in_message(self, as_user: str, channel: str, ts: str, press: Press) -> Json:
        """Raises PersonError when the person cannot see the message, or nothing on it fits."""
        user, where, message = self.the_message(as_user, channel, ts)
        found = self._pressed(message, press)
        if found.element.get("confirm") and not press.confirm:
            return {"ok": True, "acked": False, "cancelled": True}
        place = self._stage.payloads.message_place(where, message, found.block["block_id"])
        action = await self._action(user, found, place, press)
        state = self._remember(user, message, found, action)
        payload = self._stage.payloads.message_action(user, where, message, action, state)
        return outcome(await self._stage.send("interactive", payload))

    async def in_view(self, view_id: str, as_user: str, press: Press) -> Json:
        """As above, in an open modal or the Home tab. An input that does not dispatch only keeps what was put in."""
        user = self._stage.core.workspace.the_person(as_user)
        view = the_view(self._stage.core, user, view_id)
        found = find(view.blocks, press.action_id, press.label)
        if found.element.get("confirm") and not press.confirm:
            return {"ok": True, "acked": False, "cancelled": True}
        action = await self._action(user, found, self._stage.payloads.view_place(view), press)
        if found.element["type"] not in inputs.STATELESS:
            held = {"type": action["type"], inputs.HOLDS[action["type"]]: action[inputs.HOLDS[action["type"]]]}
            view.state.setdefault(found.block["block_id"], {})[found.element["action_id"]] = held
        if found.block["type"] == "input" and not found.block.get("dispatch_action"):
            return {"ok": True, "acked": False, "delivered": False}
        return outcome(await self._stage.send("interactive", self._stage.payloads.view_action(user, view, action)))

    def the_message(self, as_user: str, channel: str, ts: str) -> tuple[SlackUser, Channel, Message]:
        """A message that this person sees. Raises PersonError."""
        user = self._stage.core.workspace.the_person(as_user)
        where = self._stage.core.workspace.the_channel(user, channel)
        message = self._stage.core.timeline.find(where.id, ts)
        if message is None or message.ephemeral_to not in {"", user.id}:
            raise PersonError(f"{user.name} sees no message {ts!r} in {channel}")
        return user, where, message

    def _pressed(self, message: Message, press: Press) -> Found:
        """What is pressed; a stale press is on the newest earlier version that has it."""
        if not press.stale:
            return find(message.all_blocks(), press.action_id, press.label)
        if not message.revisions:
            raise PersonError(f"the message {message.ts} was never edited: it has no earlier version")
        for blocks in reversed(message.revisions[1:]):
            with contextlib.suppress(PersonError):
                return find(blocks, press.action_id, press.label)
        return find(message.revisions[0], press.action_id, press.label)

    async def _action(self, user: SlackUser, found: Found, place: Json, press: Press) -> Json:
        element = found.element
        action: Json = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": found.block["block_id"],
        }
        action |= {name: element[name] for name in ("text", "style", "placeholder") if name in element}
        if element["type"] in {"button", "workflow_button"}:
            value = element.get("value") if press.value is None else press.value
            return action if value is None else {**action, "value": value}
        value = found.option["value"] if found.option and press.value is None else press.value
        options = await self._suggestions.options_for(user, found, place, value)
        chosen = inputs.chosen(element, value, options, self._stage.core.workspace, press.forged)
        if element["type"] == "overflow" and chosen["selected_option"] is None:
            raise PersonError(f"say which entry of the menu {element['action_id']}: by value, or by its label")
        return {**action, **chosen}

    def _remember(self, user: SlackUser, message: Message, found: Found, action: Json) -> dict[str, dict[str, Json]]:
        """The state of all inputs of the message, as this person left them (S17)."""
        held = self._states.setdefault((message.channel, message.ts, user.id), {})
        state: dict[str, dict[str, Json]] = {}
        for block in message.all_blocks():
            for element in elements_of(block):
                if element["type"] in inputs.STATELESS:
                    continue
                block_id, action_id = block["block_id"], element["action_id"]
                if element is found.element:
                    field = inputs.HOLDS[element["type"]]
                    held.setdefault(block_id, {})[action_id] = {"type": element["type"], field: action[field]}
                before = held.get(block_id, {}).get(action_id) or inputs.initial(element)
                state.setdefault(block_id, {})[action_id] = before
        return state
