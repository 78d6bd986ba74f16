import pytest

from bot.domain import slack_id


@pytest.mark.parametrize(
    ("text", "user", "conversation", "direct"),
    [
        ("U0ANNA", True, False, False),
        ("W0ANNA", True, False, False),
        ("C0TEAM", False, True, False),
        ("G0GROUP", False, True, False),
        ("D0BOT", False, True, True),
        ("Deployments", False, False, False),
        ("D", False, False, False),
        ("", False, False, False),
        ("C0TEAM\n", False, False, False),
        ("U0ANNA> <!channel", False, False, False),
    ],
)
def test_what_an_id_names(text: str, user: bool, conversation: bool, direct: bool) -> None:
    assert slack_id.is_user(text) is user
    assert slack_id.is_conversation(text) is conversation
    assert slack_id.is_direct(text) is direct
