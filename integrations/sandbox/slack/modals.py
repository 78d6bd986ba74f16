"""The views that people have open: a stack of modals each, and a Home tab each (S16)."""

import secrets
from typing import Any

from integrations.sandbox.slack.blockkit.layout import elements_of
from integrations.sandbox.slack.blockkit.surfaces import view_definition
from integrations.sandbox.slack.changes import Changes
from integrations.sandbox.slack.clock import SlackClock
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.model import Json, View

STACK_MAX = 3


class Views:
    """Opens, replaces and closes views. The methods that an app reaches raise SlackError."""

    def __init__(self, clock: SlackClock, changes: Changes) -> None:
        self._clock = clock
        self._changes = changes
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, user: str) -> list[View]:
        """The person's open modals, the visible one last."""
        return list(self._stacks.get(user, []))

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    def find(self, view_id: str) -> View | None:
        everything = [view for stack in self._stacks.values() for view in stack] + list(self._homes.values())
        return next((view for view in everything if view.id == view_id), None)

    def by_external_id(self, external_id: str) -> View | None:
        everything = [view for stack in self._stacks.values() for view in stack] + list(self._homes.values())
        return next((view for view in everything if view.definition.get("external_id") == external_id), None)

    def open(self, user: str, view: Any, channel: str = "") -> View:
        """A new stack; what was open is gone."""
        opened = self._new(user, view)
        opened.channel = channel
        opened.root_view_id = opened.id
        self._stacks[user] = [opened]
        self._tell("opened", opened)
        return opened

    def push(self, user: str, view: Any) -> View:
        """On top of the visible one. Raises SlackError push_limit_reached beyond three (S16)."""
        stack = self._stacks.get(user, [])
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK_MAX:
            raise SlackError("push_limit_reached")
        pushed = self._new(user, view)
        pushed.channel = stack[-1].channel
        pushed.root_view_id = stack[0].id
        pushed.previous_view_id = stack[-1].id
        stack.append(pushed)
        self._tell("pushed", pushed)
        return pushed

    def update(self, view: View, definition: Any, expected_hash: str = "") -> View:
        """In place. What the person typed stays where block_id and action_id stay (S16)."""
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        fresh = view_definition(definition, "home" if view.type == "home" else "modal")
        self._check_external_id(fresh, view)
        view.definition = fresh
        view.hash = self._hash()
        view.state = _kept_state(view)
        self._tell("updated", view)
        return view

    def publish(self, user: str, definition: Any, expected_hash: str = "") -> View:
        """The person's Home tab."""
        home = self._homes.get(user)
        if home:
            return self.update(home, definition, expected_hash)
        home = self._new(user, definition, home=True)
        home.root_view_id = home.id
        self._homes[user] = home
        self._tell("published", home)
        return home

    def close(self, view: View) -> None:
        """The view and whatever lies on it; the one below shows again."""
        stack = self._stacks.get(view.user, [])
        if view in stack:
            del stack[stack.index(view) :]
            self._tell("closed", view)

    def clear(self, user: str) -> None:
        for view in reversed(self._stacks.pop(user, [])):
            self._tell("closed", view)

    def _new(self, user: str, definition: Any, home: bool = False) -> View:
        whole = view_definition(definition, "home" if home else "modal")
        self._check_external_id(whole, None)
        return View(f"V{secrets.token_hex(5).upper()}", user, whole, self._hash())

    def _check_external_id(self, definition: Json, own: View | None) -> None:
        external_id = definition.get("external_id")
        holder = self.by_external_id(external_id) if external_id else None
        if holder is not None and holder is not own:
            raise SlackError("duplicate_external_id")

    def _hash(self) -> str:
        return f"{int(self._clock.now())}.{secrets.token_urlsafe(6)}"

    def _tell(self, change: str, view: View) -> None:
        self._changes.tell("home" if view.type == "home" else "view", change=change, view=view.id, user=view.user)


def _kept_state(view: View) -> dict[str, dict[str, Json]]:
    kept: dict[str, dict[str, Json]] = {}
    for block in view.blocks:
        for element in elements_of(block):
            before = view.state.get(block["block_id"], {}).get(element["action_id"])
            if before is not None and before.get("type") == element["type"]:
                kept.setdefault(block["block_id"], {})[element["action_id"]] = before
    return kept
