"""The page in a real browser: Debian's chromium, headless."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.scenario.conftest import sandbox as sandbox
from tests.scenario.sandbox import Sandbox

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# A guard against hanging, and no claim about speed: the machine may be busy.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no browser: install Debian's chromium package")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    """ana's page. What the page's own code throws, and what its security policy refuses, fails the test."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        found = context.new_page()
        problems: list[str] = []
        found.on("pageerror", lambda error: problems.append(str(error)))
        found.on("console", lambda said: problems.append(said.text) if "Security Policy" in said.text else None)
        found.set_default_timeout(30_000)
        found.goto(sandbox.url)
        found.get_by_role("heading", name="deployments").first.wait_for()
        yield found
    assert not problems
