"""On a phone, 390 × 844: the decision is on the first screen, a direct message takes two taps, menus fit."""

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.scenario.sandbox import Sandbox, everything_in

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 90_000


def test_approve_from_a_direct_message_in_two_taps(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.types("ana", "/deploy storefront prod --reason the phone journey")

    def asked() -> bool:
        return any("the phone journey" in everything_in(message) for message in sandbox.messages("bo", "dm"))

    sandbox.until(asked, "bo to be asked", lambda: [everything_in(message) for message in sandbox.messages("bo")])
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
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


def test_a_shortcut_in_the_menu_of_a_card_knows_its_app(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.types("ana", "/deploy payments staging --reason the shortcut")
    sandbox.until(lambda: "the shortcut" in everything_in(sandbox.messages("ana")), "its card")
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{sandbox.url}/#/ana/deployments")
        card = page.locator("#timeline article").filter(has_text="the shortcut").first
        card.hover()
        card.get_by_role("button", name="More actions").click()
        expect(page.get_by_role("menuitem")).to_have_text(["Deploy…", "Roll back…", "Status"])
        page.get_by_role("menuitem", name="Deploy…").click()
        picker = page.get_by_role("dialog", name="Deploy")
        expect(picker.get_by_role("combobox", name="App", exact=True)).to_have_value("payments")
        picker.get_by_role("button", name="Cancel").click()

        page.get_by_role("button", name="Shortcuts").click()
        page.get_by_role("menuitem", name="Roll back…").click()
        picker = page.get_by_role("dialog", name="Roll back")
        expect(picker.get_by_role("combobox", name="App", exact=True)).to_have_value("")


def test_where_one_is_stays_in_sight_in_the_rows_that_scroll(browser: Browser, sandbox: Sandbox) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{sandbox.url}/#/gus/home")
        for name in ("Home tab", "gus"):
            link = page.locator("#sidebar").get_by_role("link", name=name)
            expect(link).to_be_in_viewport(ratio=0.9)
        sandbox.types("ana", "/lock payments staging the rows are drawn again")
        sandbox.types("ana", "/unlock payments staging")
        expect(page.locator("#sidebar").get_by_role("link", name="Home tab")).to_be_in_viewport(ratio=0.9)


def assert_on_one_screen(*boxes: object) -> None:
    """Each is there, and what lies between the first top and the last bottom is no more than a screen."""
    found = [box for box in boxes if isinstance(box, dict)]
    assert len(found) == len(boxes)
    top, bottom = found[0]["y"], found[-1]["y"] + found[-1]["height"]
    assert bottom - top < PHONE["height"] / 2
