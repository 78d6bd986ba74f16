"""Modals: the picker that a bare command opens, the reason for a rejection, and the wait before either."""

from collections.abc import Iterable, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ExternalDataSelectElement,
    InputBlock,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    StaticSelectElement,
    UserSelectElement,
)
from slack_sdk.models.views import View

from bot.domain.form import FormField, Input
from bot.domain.promotion import Kind
from bot.domain.reply import Choice, Picker, ReasonForm
from bot.views.card import headline
from bot.views.ids import Modal, picker_id
from bot.views.layout import section
from bot.views.words import bold, clean, plain

METADATA_LIMIT = 3000
OPTIONS_LIMIT, OPTION_TEXT, OPTION_VALUE = 100, 75, 150
REASON_LIMIT = 500

LABELS = {
    Input.APP: "App",
    Input.ENVIRONMENT: "Environment",
    Input.IMAGE: "Image",
    Input.TO: "Back to",
    Input.REASON: "Reason",
    Input.REVISION: "Revision",
    Input.SOURCE: "From",
    Input.RUN: "Pipeline run",
    Input.PROMOTION: "Promotion",
    Input.LIVE: "Promotion",
    Input.TRAIN: "Release train",
    Input.REVIEW: "Promotion",
    Input.REJECTED: "Image",
    Input.PERSON: "Person",
    Input.UNTIL: "Until",
    Input.START: "Start",
}
Element = ExternalDataSelectElement | StaticSelectElement | PlainTextInputElement | UserSelectElement
TYPED = (Input.REASON, Input.REVISION, Input.UNTIL, Input.START)
CHOSEN = (Input.ENVIRONMENT, Input.SOURCE)
"""from the few that there are; anything else is searched for while the person types"""


def modal(form: Picker | ReasonForm, private_metadata: str) -> dict[str, Any]:
    """The view that `views.open` and `views.update` take. Raises ValueError for metadata of over 3,000 characters."""
    if len(private_metadata) > METADATA_LIMIT:
        raise ValueError(f"private_metadata holds at most {METADATA_LIMIT} characters, not {len(private_metadata)}")
    return _reason_form(form, private_metadata) if isinstance(form, ReasonForm) else _picker(form, private_metadata)


def loading_modal(title: str) -> dict[str, Any]:
    """Opened at once, while the trigger is young; the real one replaces it (S15)."""
    return view(title, "", [section("⏳ One moment, looking things up…")])


def closing_modal(title: str, sentence: str) -> dict[str, Any]:
    """In the place of a modal that cannot go on: why, and what to do. `sentence` is finished mrkdwn."""
    return view(title, "", [section(sentence)])


def options(choices: Iterable[Choice], typed: str = "") -> dict[str, Any]:
    """The answer to a select that asks for its options: those that hold what was typed, best first, at most 100."""
    wanted = clean(typed).lower()
    found = [choice for choice in choices if wanted in choice.label.lower() or wanted in choice.value.lower()]
    found.sort(key=lambda choice: not choice.label.lower().startswith(wanted))
    return {"options": [option.to_dict() for option in _options(found)]}


def _options(choices: Sequence[Choice]) -> list[Option]:
    """A value too long to come back whole is left out."""
    fitting = [choice for choice in choices if 0 < len(choice.value) <= OPTION_VALUE]
    return [_option(choice) for choice in fitting[:OPTIONS_LIMIT]]


def _option(choice: Choice) -> Option:
    return Option(value=choice.value, text=PlainTextObject(text=plain(choice.label or choice.value, OPTION_TEXT)))


def _picker(picker: Picker, private_metadata: str) -> dict[str, Any]:
    blocks = [_input(picker, field) for field in picker.form.fields]
    return view(picker.form.title, picker_id(picker.verb)[:255], blocks, private_metadata, submit=picker.form.title)


def _input(picker: Picker, field: FormField) -> Block:
    return InputBlock(
        block_id=field.input,
        label=field.label or LABELS[field.input],
        element=_element(picker, field.input),
        optional=not field.needed,
        hint=field.hint or None,
    )


def _element(picker: Picker, name: Input) -> Element:
    if name in CHOSEN:
        return _environments(picker, name)
    if name is Input.PERSON:
        return UserSelectElement(action_id=name, placeholder="Choose a person")
    if name in TYPED:
        return PlainTextInputElement(action_id=name, max_length=REASON_LIMIT)
    chosen = [choice for choice in picker.apps if name is Input.APP and choice.value == picker.app]
    initial = _options(chosen or ([Choice(picker.app, picker.app)] if name is Input.APP and picker.app else []))
    return ExternalDataSelectElement(
        action_id=name,
        placeholder="Type to search",
        min_query_length=0,
        initial_option=initial[0] if initial else None,
    )


def _environments(picker: Picker, name: Input) -> StaticSelectElement:
    """Production and the last environment are never chosen beforehand: nobody deploys there by pressing Enter."""
    offered = _options(picker.environments)
    known = {choice.value for choice in picker.environments[:-1]}.difference(picker.careful)
    known = known if name is Input.ENVIRONMENT else set()
    initial = [option for option in offered if option.value == picker.environment and option.value in known]
    return StaticSelectElement(
        action_id=name,
        placeholder="Choose an environment",
        options=offered or _options([Choice("none", "There are no environments")]),
        initial_option=initial[0] if initial else None,
    )


def _reason_form(form: ReasonForm, private_metadata: str) -> dict[str, Any]:
    reason = PlainTextInputElement(
        action_id=Input.REASON, multiline=True, min_length=1, max_length=REASON_LIMIT, focus_on_load=True
    )
    blocks = [
        section(bold(headline(form.promotion), 300)),
        InputBlock(
            block_id=Input.REASON,
            label="Why not?",
            element=reason,
            hint="The requester and everyone in the channel read this.",
        ),
    ]
    title = "Reject the rollback" if form.promotion.plan.kind is Kind.ROLLBACK else "Reject"
    return view(title, Modal.REJECT, blocks, private_metadata, submit="Reject")


def view(
    title: str, callback_id: str, blocks: Sequence[Block], private_metadata: str = "", *, submit: str = ""
) -> dict[str, Any]:
    view = View(
        type="modal",
        title=PlainTextObject(text=plain(title, 24)),
        close=PlainTextObject(text="Cancel" if submit else "Close"),
        submit=PlainTextObject(text=plain(submit, 24)) if submit else None,
        callback_id=callback_id or None,
        blocks=list(blocks),
        private_metadata=private_metadata or None,
    )
    return dict(view.to_dict())
