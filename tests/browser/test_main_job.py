"""People at the page: the whole main job, the picker, the form that asks why."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.scenario.sandbox import Sandbox

pytestmark = pytest.mark.browser

PATIENCE = 90_000


def become(page: Page, person: str) -> None:
    page.get_by_role("link", name=re.compile(f"^{person} ")).click()
    expect(page.locator(".person.is-me")).to_contain_text(person)


def send(page: Page, text: str) -> None:
    """A page that is still being built may take the field away below the text: people type it once more."""
    field = page.locator("#composer textarea")
    for _ in range(3):
        field.fill(text)
        expect(page.locator("#composer")).not_to_contain_text("Sending")  # what is typed meanwhile waits in the field
        if field.input_value() == text:
            break
    field.press("Enter")
    expect(field).to_have_value("")


def card(page: Page, headline: str) -> Locator:
    """The promotion's one card in the channel."""
    heading = page.get_by_role("heading", name=headline)
    return page.locator("#timeline article").filter(has=heading)


def test_the_whole_main_job(page: Page, sandbox: Sandbox) -> None:
    field = page.locator("#composer textarea")
    field.press_sequentially("/dep")
    expect(page.get_by_role("option", name="/deploy APP")).to_be_visible()
    field.press("Enter")
    expect(field).to_have_value("/deploy ")
    field.press_sequentially("my-app prod")
    field.press("Enter")

    mine = card(page, "my-app → production · v1.4.1 → v1.4.2")
    expect(mine).to_contain_text("Waiting for an approval", timeout=PATIENCE)

    become(page, "bo")
    mine.get_by_role("button", name="Approve").click()
    confirm = page.get_by_role("dialog", name="Approve for production?")
    confirm.get_by_role("button", name="Not yet").click()
    expect(confirm).to_have_count(0)
    mine.get_by_role("button", name="Approve").click()
    confirm.get_by_role("button", name="Approve").click()

    expect(mine).to_contain_text("v1.4.2 is Healthy in production", timeout=PATIENCE)
    expect(mine.get_by_role("button", name="Approve")).to_have_count(0)
    expect(mine).to_contain_text("Approved by @bo")
    newest = page.locator(".commit").first
    expect(newest).to_contain_text("my-app: promote v1.4.2 in production")
    assert [line.strip() for line in newest.locator(".line-removed").all_text_contents()] == ["-    newTag: v1.4.1"]
    assert [line.strip() for line in newest.locator(".line-added").all_text_contents()] == ["+    newTag: v1.4.2"]
    cell = page.locator("[data-key='my-app/production']")
    expect(cell).to_contain_text("v1.4.2")
    expect(cell.get_by_role("img", name="Healthy")).to_be_visible()

    mine.get_by_role("button", name=re.compile("repl(y|ies)")).click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread).to_contain_text("my-app v1.4.2 is Healthy in production")
    page.keyboard.press("Escape")
    expect(thread).to_be_hidden()


def test_a_bare_command_opens_a_picker(page: Page, sandbox: Sandbox) -> None:
    send(page, "/deploy")
    picker = page.get_by_role("dialog", name="Deploy")
    expect(picker).to_be_visible()

    picker.get_by_role("button", name="Deploy").click()
    expect(picker.get_by_text("Please complete this required field.")).to_have_count(2)

    app = picker.get_by_role("combobox", name="App", exact=True)
    app.fill("store")
    picker.get_by_role("option", name="storefront").click()
    expect(app).to_have_value("storefront")
    environment = picker.get_by_role("combobox", name="Environment")
    environment.click()
    expect(picker.get_by_role("option")).to_have_text(["development", "staging", "production"])
    environment.press("ArrowDown")
    environment.press("Enter")
    expect(environment).to_have_value("staging")
    picker.get_by_role("button", name="Deploy").click()

    expect(picker).to_have_count(0)
    expect(card(page, "storefront → staging")).to_contain_text("Healthy in staging", timeout=PATIENCE)


def test_rejecting_asks_for_a_reason(page: Page, sandbox: Sandbox) -> None:
    send(page, "/deploy ledger prod")
    mine = card(page, "ledger → production")
    expect(mine).to_contain_text("Waiting for an approval", timeout=PATIENCE)
    become(page, "mia")
    mine.get_by_role("button", name="Reject").click()
    form = page.get_by_role("dialog", name="Reject")

    form.get_by_role("button", name="Reject").click()
    expect(form).to_contain_text("Please complete this required field.")
    form.get_by_label("Why not?").fill("<b>not</b> before the audit")
    form.get_by_role("button", name="Reject").click()

    expect(form).to_have_count(0)
    expect(mine).to_contain_text("<b>not</b> before the audit", timeout=PATIENCE)
    told = page.locator("#timeline article").filter(has_text="replied to a thread")
    expect(told).to_contain_text("ledger → production")
    expect(told).to_contain_text("@ana: Rejected by @mia: <b>not</b> before the audit")


def test_a_refusal_is_seen_by_one_person_only(page: Page, sandbox: Sandbox) -> None:
    become(page, "cy")
    send(page, "/deploy payments prod")
    refusal = page.locator("#timeline article").filter(has_text="do not have the promote permission")
    expect(refusal).to_contain_text("Only visible to you")
    become(page, "dee")
    expect(refusal).to_have_count(0)


def test_a_bot_that_is_gone_is_seen_and_can_be_started_again(page: Page, sandbox: Sandbox) -> None:
    send(page, "/pipeline list")
    page.get_by_role("button", name="Kill").click()
    expect(page.locator(".bot")).to_contain_text("killed")
    send(page, "/status")
    expect(page.locator("#timeline")).to_contain_text('/status failed with the error "dispatch_failed"')
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".bot")).to_contain_text("pid")
    sandbox.until(lambda: sandbox.get("/api/workspace")["bot"]["connections"], "the bot to be connected again")


def test_it_can_be_used_in_the_dark_and_without_a_mouse(page: Page, sandbox: Sandbox) -> None:
    page.emulate_media(color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background != "rgb(255, 255, 255)"
    tab = page.get_by_role("tab", name="Delivery")
    tab.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name=re.compile("Argo CD"))).to_be_visible()
    expect(page.get_by_role("article", name="my-app-production")).to_contain_text("Synced")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a window of 1280 pixels"


def test_it_fits_a_telephone(page: Page, sandbox: Sandbox) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="dee").click()
    expect(page.locator(".person.is-me")).to_contain_text("dee")
    send(page, "/locks")
    answer = page.locator("#timeline article").filter(has_text="Nothing is locked, frozen or rejected.")
    expect(answer).to_be_in_viewport()
    world = page.get_by_role("tab", name="Argo CD")
    world.scroll_into_view_if_needed()
    world.click()
    expect(page.get_by_role("article", name="my-app-production")).to_contain_text("Synced")


def test_what_is_typed_scrolls_to_its_answer(page: Page, sandbox: Sandbox) -> None:
    send(page, "/pilothouse help")
    expect(page.locator("#timeline")).to_contain_text("explains a command")
    page.locator("#timeline").evaluate("box => box.scrollTo(0, 0)")
    send(page, "/pilothouse whoami")
    expect(page.locator("#timeline article").filter(has_text="You are @ana")).to_be_in_viewport()
