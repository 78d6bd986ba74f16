"""A person fills in a modal, submits it, or closes it."""

from typing import Any

from integrations.sandbox.slack.blockkit.layout import elements_of
from integrations.sandbox.slack.delivery import Answer
from integrations.sandbox.slack.errors import PersonError, SlackError
from integrations.sandbox.slack.model import Json, SlackUser, View
from integrations.sandbox.slack.people import inputs
from integrations.sandbox.slack.people.elements import Found
from integrations.sandbox.slack.people.open_views import the_view
from integrations.sandbox.slack.people.stage import Stage, outcome
from integrations.sandbox.slack.people.suggestions import Suggestions

State = dict[str, dict[str, Json]]


class Modals:
    def __init__(self, stage: Stage, suggestions: Suggestions) -> None:
        self._stage = stage
        self._suggestions = suggestions

    async def submit(self, view_id: str, as_user: str, values: Json) -> Json:
        """{"ok": true}, or {"ok": false, "errors": {block_id: sentence}} from Slack's own checks or from the app.

        `values` is {action_id or block_id: value}, or a whole state {block_id: {action_id: {...}}}; what is not named
        keeps what it holds. Raises PersonError for a view that is not open, or a value that fits no input.
        """
        user = self._stage.core.workspace.the_person(as_user)
        view = the_view(self._stage.core, user, view_id)
        if view.type != "modal" or not view.definition.get("submit"):
            raise PersonError(f"the view {view_id!r} has no submit button")
        state = await self._filled(user, view, values)
        if errors := _refusals(view, state):
            return {"ok": False, "errors": errors}
        view.state = state
        payload = self._stage.payloads.view_submission(user, view)
        answer = await self._stage.send("interactive", payload, wants_reply=True)
        if not answer.acked:
            return {**outcome(answer), "message": "We had some trouble connecting. Try again?"}
        return self._follow(view, answer)

    async def close(self, view_id: str, as_user: str) -> Json:
        """The app hears of it only with notify_on_close (S16); clear_on_close closes the whole stack."""
        user = self._stage.core.workspace.the_person(as_user)
        view = the_view(self._stage.core, user, view_id)
        if view.type != "modal":
            raise PersonError("the Home tab cannot be closed")
        is_cleared = bool(view.definition.get("clear_on_close"))
        if is_cleared:
            self._stage.core.views.clear(user.id)
        else:
            self._stage.core.views.close(view)
        if not view.definition.get("notify_on_close"):
            return {"ok": True}
        answer = await self._stage.send("interactive", self._stage.payloads.view_closed(user, view, is_cleared))
        return outcome(answer)

    async def _filled(self, user: SlackUser, view: View, values: Json) -> State:
        """The state of every input: what was given, else what it held, else its initial value."""
        unused = set(values)
        state: State = {}
        for block in view.blocks:
            for element in elements_of(block):
                if element["type"] in inputs.STATELESS:
                    continue
                found = Found(element, block)
                key, given = _given(found, values)
                unused.discard(key)
                held = view.state.get(block["block_id"], {}).get(element["action_id"]) or inputs.initial(element)
                if key:
                    place = self._stage.payloads.view_place(view)
                    options = await self._suggestions.options_for(user, found, place, _wanted(element, given))
                    held = inputs.chosen(element, given, options, self._stage.core.workspace)
                state.setdefault(block["block_id"], {})[element["action_id"]] = held
                # A person fills in one input after the other, and a later select's search tells what is there (S16).
                view.state.setdefault(block["block_id"], {})[element["action_id"]] = held
        if unused:
            there = ", ".join(sorted({*state, *(action for block in state.values() for action in block)})) or "nothing"
            raise PersonError(f"the view has no input {', '.join(sorted(unused))}: expected {there}")
        return state

    def _follow(self, view: View, answer: Answer) -> Json:
        """Does what the acknowledgement of a submission says: errors, update, push, clear, or close (S13)."""
        body, views = answer.payload or {}, self._stage.core.views
        action = body.get("response_action")
        try:
            if action == "errors":
                return self._errors(view, body.get("errors"))
            if action == "update":
                views.update(view, body.get("view"))
            elif action == "push":
                views.push(view.user, body.get("view"))
            elif action == "clear":
                views.clear(view.user)
            elif action is None and not body:
                views.close(view)
            else:
                return self._refused(SlackError("invalid_response_action", [f"it says {action!r}"]))
        except SlackError as refusal:
            return self._refused(refusal)
        return {"ok": True, "acked": True, **({"response": body} if body else {})}

    def _refused(self, refusal: SlackError) -> Json:
        details = "; ".join(refusal.messages)
        self._stage.core.complain(f"the answer to a view_submission was refused: {refusal.code} {details}")
        return {"ok": False, "acked": True, "error": refusal.code, "messages": list(refusal.messages)}

    def _errors(self, view: View, errors: Any) -> Json:
        """Errors must name input blocks of the view, or Slack's client cannot show them."""
        blocks = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= blocks:
            raise SlackError("invalid_errors", [f"errors must name input blocks: {', '.join(sorted(blocks))}"])
        return {"ok": False, "acked": True, "errors": errors}


def _given(found: Found, values: Json) -> tuple[str, Any]:
    """The key that names this input in `values`, and what it is given; ("", None) when it is not named."""
    block_id, action_id = found.block["block_id"], found.element["action_id"]
    whole = values.get(block_id)
    if isinstance(whole, dict) and isinstance(whole.get(action_id), dict):
        return block_id, whole[action_id]
    if action_id in values:
        return action_id, values[action_id]
    if block_id in values and found.block["type"] == "input":
        return block_id, whole
    return "", None


def _wanted(element: Json, given: Any) -> Any:
    """The value to look for among options, also where a full state was given."""
    return given.get(inputs.HOLDS[element["type"]]) if isinstance(given, dict) and "value" not in given else given


def _refusals(view: View, state: State) -> dict[str, str]:
    refused = {}
    for block in view.blocks:
        if block["type"] == "input":
            element = block["element"]
            held = state[block["block_id"]][element["action_id"]]
            if sentence := inputs.refusal(element, held, block.get("optional", False)):
                refused[block["block_id"]] = sentence
    return refused
