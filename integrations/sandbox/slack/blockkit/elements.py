"""The elements that stand inside blocks: their fields and limits (S19), and where each may stand."""

from integrations.sandbox.slack.blockkit import fields as f
from integrations.sandbox.slack.blockkit.problems import Check, Problems, Rule, Spec

STYLE = f.one_of("primary", "danger")
PLACEHOLDER = f.plain_text(150)
SLACK_ID = f.string(64)


def _interactive(**optional: Check) -> dict[str, Check]:
    return {"action_id": f.action_id, "confirm": f.confirm, **optional}


def _chooser(**optional: Check) -> dict[str, Check]:
    return _interactive(placeholder=PLACEHOLDER, focus_on_load=f.boolean, **optional)


def _typed(**optional: Check) -> dict[str, Check]:
    dispatch = Spec(optional={"trigger_actions_on": f.array(f.one_of("on_enter_pressed", "on_character_entered"), 1)})
    return {
        "action_id": f.action_id,
        "placeholder": PLACEHOLDER,
        "focus_on_load": f.boolean,
        "dispatch_action_config": dispatch,
        **optional,
    }


def _bounds(low: str, high: str) -> Rule:
    def rule(value: dict[str, object], at: str, problems: Problems) -> None:
        least, most = value.get(low), value.get(high)
        try:
            wrong = least is not None and most is not None and float(str(least)) > float(str(most))
        except ValueError:
            return
        if wrong:
            problems.add(f"{low} must not be greater than {high}", at)

    return rule


def _static(many: bool) -> Spec:
    initial = "initial_options" if many else "initial_option"
    extra: dict[str, Check] = {initial: f.array(f.option()) if many else f.option()}
    if many:
        extra["max_selected_items"] = f.integer(1, 100)
    options = f.array(f.option(), 1, 100)
    return Spec(
        optional=_chooser(options=options, option_groups=f.array(f.option_group, 1, 100), **extra),
        rules=(f.either_options_or_groups, f.initial_is_offered(initial)),
    )


def _boxes(initial: str, many: bool) -> Spec:
    option = f.option(mrkdwn=True)
    return Spec(
        {"options": f.array(option, 1, 10)},
        _interactive(focus_on_load=f.boolean, **{initial: f.array(option, 1) if many else option}),
        (f.initial_is_offered(initial),),
    )


CONVERSATION_FILTER = Spec(
    optional={
        "include": f.array(f.one_of("im", "mpim", "private", "public"), 1),
        "exclude_external_shared_channels": f.boolean,
        "exclude_bot_users": f.boolean,
    }
)
MANY = f.integer(1, 100)

ELEMENTS: dict[str, Spec] = {
    "button": Spec(
        {"text": f.plain_text(75)},
        _interactive(url=f.url, value=f.string(2000), style=STYLE, accessibility_label=f.string(75)),
    ),
    "workflow_button": Spec(
        {"text": f.plain_text(75), "workflow": f.anything},
        {"action_id": f.action_id, "style": STYLE, "accessibility_label": f.string(75)},
    ),
    "overflow": Spec({"options": f.array(f.option(with_url=True), 1, 5)}, _interactive()),
    "image": Spec(
        {"alt_text": f.string(2000)},
        {"image_url": f.url, "slack_file": f.anything},
    ),
    "static_select": _static(many=False),
    "multi_static_select": _static(many=True),
    "external_select": Spec(optional=_chooser(initial_option=f.option(), min_query_length=f.integer(0, 3000))),
    "multi_external_select": Spec(
        optional=_chooser(
            initial_options=f.array(f.option()), min_query_length=f.integer(0, 3000), max_selected_items=MANY
        )
    ),
    "users_select": Spec(optional=_chooser(initial_user=SLACK_ID)),
    "multi_users_select": Spec(optional=_chooser(initial_users=f.array(SLACK_ID), max_selected_items=MANY)),
    "conversations_select": Spec(
        optional=_chooser(
            initial_conversation=SLACK_ID,
            default_to_current_conversation=f.boolean,
            response_url_enabled=f.boolean,
            filter=CONVERSATION_FILTER,
        )
    ),
    "multi_conversations_select": Spec(
        optional=_chooser(
            initial_conversations=f.array(SLACK_ID),
            default_to_current_conversation=f.boolean,
            max_selected_items=MANY,
            filter=CONVERSATION_FILTER,
        )
    ),
    "channels_select": Spec(optional=_chooser(initial_channel=SLACK_ID, response_url_enabled=f.boolean)),
    "multi_channels_select": Spec(optional=_chooser(initial_channels=f.array(SLACK_ID), max_selected_items=MANY)),
    "radio_buttons": _boxes("initial_option", many=False),
    "checkboxes": _boxes("initial_options", many=True),
    "datepicker": Spec(optional=_chooser(initial_date=f.iso_date)),
    "timepicker": Spec(optional=_chooser(initial_time=f.clock_time, timezone=f.string(100))),
    "datetimepicker": Spec(
        optional=_interactive(focus_on_load=f.boolean, initial_date_time=f.integer(1_000_000_000, 9_999_999_999))
    ),
    "plain_text_input": Spec(
        optional=_typed(
            initial_value=f.string(3000, 0),
            multiline=f.boolean,
            min_length=f.integer(0, 3000),
            max_length=f.integer(1, 3000),
        ),
        rules=(_bounds("min_length", "max_length"),),
    ),
    "number_input": Spec(
        {"is_decimal_allowed": f.boolean},
        _typed(initial_value=f.number_text, min_value=f.number_text, max_value=f.number_text),
        (_bounds("min_value", "max_value"),),
    ),
    "email_text_input": Spec(optional=_typed(initial_value=f.string(3000, 0))),
    "url_text_input": Spec(optional=_typed(initial_value=f.string(3000, 0))),
    "rich_text_input": Spec(optional=_typed(initial_value=f.anything)),
    "file_input": Spec(
        optional={"action_id": f.action_id, "filetypes": f.array(f.string(20), 1), "max_files": f.integer(1, 10)}
    ),
}

PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
SELECTS = frozenset({"static_select", "external_select", "users_select", "conversations_select", "channels_select"})
BUTTONS = frozenset({"button", "workflow_button", "overflow"})
IN_ACTIONS = BUTTONS | SELECTS | PICKERS | {"radio_buttons", "checkboxes"}
MULTI_SELECTS = frozenset(name for name in ELEMENTS if name.startswith("multi_"))
IN_SECTION = IN_ACTIONS - {"datetimepicker"} | MULTI_SELECTS | {"image"}
TYPED = frozenset({"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"})
IN_INPUT = (IN_ACTIONS - BUTTONS) | MULTI_SELECTS | TYPED | {"file_input"}


def element(allowed: frozenset[str]) -> Check:
    """An element of one of the `allowed` types. An unknown type and a known one in the wrong place are both refused."""

    def check(value: object, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at)
            return
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in allowed or kind not in ELEMENTS:
            problems.add(f"unsupported type: {kind}", f"{at}/type")
            return
        ELEMENTS[kind](value, at, problems)

    return check
