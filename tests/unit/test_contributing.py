"""CONTRIBUTING.md leads a newcomer to files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_the_recipes_name_is_there() -> None:
    """A name with <…> in it is of the file that is to be written."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`([\w.]+(?:/[\w.-]*)+)`", text)
    assert len(named) > 40
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_the_recipes_have_named_in_a_file_is_there() -> None:
    """Each `Name` beside the file that has it."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name, file in (
        ("SERVED", "integrations/sandbox/world.py"),
        ("bot_settings", "integrations/sandbox/world.py"),
        ("_webhook_secrets", "integrations/sandbox/world.py"),
        ("SENDERS", "bot/webhooks/assembly.py"),
        ("Detail", "bot/domain/delivery.py"),
        ("KINDS", "bot/domain/delivery.py"),
        ("offered", "tests/unit/bot/evaluation/test_loading.py"),
        ("GOOD", "tests/unit/bot/webhooks/test_receivers.py"),
    ):
        assert f"`{name}`" in text
        assert re.search(rf"^(\s*(async )?def {name}\(|{name}\b.*=)", (ROOT / file).read_text(), re.MULTILINE), file
