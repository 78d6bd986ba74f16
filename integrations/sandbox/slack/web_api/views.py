"""views.*: modals and Home tabs (S15, S16)."""

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Json, View
from integrations.sandbox.slack.web_api.call import Call, Method


async def open_view(call: Call) -> Json:
    definition = _definition(call)
    trigger = call.core.triggers.exchange(call.args.required("trigger_id"))
    return _shown(call, call.core.views.open(trigger.user, definition))


async def push(call: Call) -> Json:
    """Only from an interaction inside an open modal."""
    definition = _definition(call)
    trigger = call.core.triggers.exchange(call.args.required("trigger_id"))
    if not trigger.view_id or call.core.views.find(trigger.view_id) is None:
        raise SlackError("not_found")
    return _shown(call, call.core.views.push(trigger.user, definition))


async def update(call: Call) -> Json:
    view_id, external_id = call.args.text("view_id"), call.args.text("external_id")
    if not (view_id or external_id):
        raise SlackError("invalid_arguments", ["must provide either view_id or external_id"])
    views = call.core.views
    view = views.find(view_id) if view_id else views.by_external_id(external_id)
    if view is None:
        raise SlackError("not_found")
    return _shown(call, views.update(view, _definition(call), call.args.text("hash")))


async def publish(call: Call) -> Json:
    user = call.user("user_id")
    return _shown(call, call.core.views.publish(user.id, _definition(call), call.args.text("hash")))


def _definition(call: Call) -> Json:
    definition = call.args.data("view", "invalid_arguments")
    if not isinstance(definition, dict):
        raise SlackError("invalid_arguments", ["missing required field: view"])
    return definition


def _shown(call: Call, view: View) -> Json:
    return {"view": wire.view_object(view, call.core.workspace)}


METHODS = (
    Method("views.open", open_view, Tier.FOUR),
    Method("views.push", push, Tier.FOUR),
    Method("views.update", update, Tier.FOUR),
    Method("views.publish", publish, Tier.FOUR),
)
