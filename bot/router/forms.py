"""From a submitted modal to what the person asks, and what can be said at once against what was filled in."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import slack_id
from bot.domain.environment import Environment
from bot.domain.form import CommandForm, Input
from bot.domain.intent import AskReason, Context, Intent, Reject
from bot.domain.reason import says_something
from bot.grammar import EXAMPLES, is_identifier, is_image, is_revision, is_start, is_time
from bot.views.ids import Modal, unreadable, verb_of


def _is_app_and_image(text: str) -> bool:
    app, _, image = text.partition("@")
    return is_identifier(app) and is_image(image)


PLAIN_EXAMPLES = EXAMPLES.replace("`", "")
NOT_LISTED = "That is not a promotion. Choose one from the list."
CHECKED: Mapping[Input, tuple[Callable[[str], object], str]] = {
    Input.IMAGE: (is_image, "That is neither a tag nor a digest. Choose an image from the list."),
    Input.REVISION: (is_revision, "That is not a branch, tag or commit."),
    Input.RUN: (is_identifier, "That is not a pipeline run. Choose one from the list."),
    Input.PROMOTION: (is_identifier, NOT_LISTED),
    Input.LIVE: (is_identifier, NOT_LISTED),
    Input.TRAIN: (is_identifier, NOT_LISTED),
    Input.REVIEW: (is_identifier, NOT_LISTED),
    Input.REJECTED: (_is_app_and_image, "That is not an image of an app. Choose one from the list."),
    Input.PERSON: (slack_id.is_user, "Choose a person of this workspace."),
    Input.UNTIL: (is_time, f"That is not a time. {PLAIN_EXAMPLES}"),
    Input.START: (is_start, f"That is neither a time nor “when open”. {PLAIN_EXAMPLES}"),
}
"""input → whether what stands in it is good, and what is said when it is not"""


@dataclass(frozen=True)
class Form:
    """A modal as it was submitted: which one, what stands in its inputs, and what it carried along."""

    callback_id: str
    values: Mapping[str, str]
    metadata: Mapping[str, str]

    @property
    def verb(self) -> str:
        return verb_of(self.callback_id)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "").strip()


def read_form(view: Mapping[str, Any]) -> Form:
    """Any view is good; what is not ours in it is left out."""
    try:
        metadata = json.loads(view.get("private_metadata") or "{}")
    except (ValueError, RecursionError):
        metadata = {}
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    # Ids and hashes are all that we put there: half a character or a NUL would break what looks them up.
    kept = {name: value for name, value in pairs if isinstance(value, str) and value.isascii() and value.isprintable()}
    return Form(view.get("callback_id") or "", values_of(view), kept)


def values_of(view: Mapping[str, Any]) -> dict[str, str]:
    """Input → what stands in it now, chosen or typed (S16)."""
    inputs = ((view.get("state") or {}).get("values") or {}).values()
    return {name: _value(state) for block in inputs for name, state in block.items()}


def carried_along(intent: Intent) -> str:
    """The `private_metadata` of the modal that an intent opens."""
    metadata = {"channel": intent.context.channel}
    if isinstance(intent, AskReason):
        metadata |= {"p": intent.promotion, "h": intent.content_hash}
    return json.dumps(metadata, separators=(",", ":"))


def objections(form: Form, declared: CommandForm | None, environments: Sequence[Environment]) -> dict[str, str]:
    """Input → what is wrong with it. Only what needs no look-up: the answer is due in three seconds (S10).

    `declared` is the form that the command has, None for another modal.
    """
    found: dict[str, str] = {}
    needed = declared.needed if declared else ()
    if not says_something(form[Input.REASON]):
        if form.callback_id == Modal.REJECT:
            found[Input.REASON] = "Say why: the requester reads it on the card."
        elif form[Input.REASON]:
            instead = "." if Input.REASON in needed else ", or leave it empty."
            found[Input.REASON] = f"Nobody can read that. Say why in words{instead}"
    found |= {name: NEEDED.get(name, "Choose one.") for name in needed if not form[name]}
    names = [environment.name for environment in environments]
    for name in (Input.ENVIRONMENT, Input.SOURCE):
        if (chosen := form[name]) and chosen not in names:
            found[name] = f"Unknown environment: choose {' or '.join(names)}."
    found |= {name: told for name, (good, told) in CHECKED.items() if form[name] and not good(form[name])}
    return {name: objection for name, objection in found.items() if name in form.values}


def read_intent(form: Form, declared: CommandForm | None, context: Context) -> Intent:
    """Raises InvalidCommand for a modal that this version has never made, or one that lost its inputs."""
    if form.callback_id == Modal.REJECT:
        if not {"p", "h"} <= form.metadata.keys():
            raise unreadable()
        promotion, content_hash = form.metadata["p"], form.metadata["h"]
        return Reject(context=context, promotion=promotion, content_hash=content_hash, reason=form[Input.REASON])
    if declared is None or not all(form[name] for name in declared.needed):
        raise unreadable()
    return declared.read(form, context)


NEEDED = {Input.REASON: "Say why.", Input.UNTIL: "Say until when, for example 2h, 18:00 or mon 08:00."}
"""what is typed, not chosen"""


def _value(state: Mapping[str, Any]) -> str:
    chosen = state.get("selected_option") or {}
    value = chosen.get("value") if chosen else state.get("value") or state.get("selected_user")
    return value if isinstance(value, str) else ""
