"""Finds a view that a person has open."""

from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.model import SlackUser, View


def the_view(core: Core, user: SlackUser, view_id: str) -> View:
    """The visible modal or the Home tab of this person. Raises PersonError for any other view."""
    view = core.views.find(view_id)
    if view is None or view.user != user.id:
        open_ones = ", ".join(v.id for v in core.views.stack(user.id)) or "none"
        raise PersonError(f"{user.name} has no view {view_id!r} open; open are: {open_ones}")
    if view.type == "modal" and core.views.stack(user.id)[-1] is not view:
        raise PersonError(
            f"the view {view_id!r} lies under another one: answer {core.views.stack(user.id)[-1].id} first"
        )
    return view
