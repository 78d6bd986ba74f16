"""On a phone, 390 × 844: the decision is on the first screen, and a direct message takes two taps."""

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.scenario.sandbox import Sandbox

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 90_000


def test_approve_from_a_direct_message_in_two_taps(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.types("ana", "/deploy storefront prod --reason the phone journey")
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{sandbox.url}/#/bo/dm")
        copy = page.locator("#timeline article").filter(has_text="the phone journey")
        expect(copy).to_have_count(1, timeout=PATIENCE)
        assert_on_one_screen(copy.bounding_box(), copy.get_by_role("button", name="Approve").bounding_box())
        copy.get_by_role("button", name="Approve").click()
        page.get_by_role("dialog").get_by_role("button", name="Approve").click()

        decided = page.locator("#timeline article").filter(has_text="storefront → production").first
        expect(decided).to_contain_text("Approved by @bo", timeout=PATIENCE)
        expect(decided.get_by_role("button", name="Approve")).to_have_count(0)
    sandbox.card_says("storefront → production", "Approved by")


def assert_on_one_screen(*boxes: object) -> None:
    """Each is there, and what lies between the first top and the last bottom is no more than a screen."""
    found = [box for box in boxes if isinstance(box, dict)]
    assert len(found) == len(boxes)
    top, bottom = found[0]["y"], found[-1]["y"] + found[-1]["height"]
    assert bottom - top < PHONE["height"] / 2
