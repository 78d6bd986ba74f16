"""The pictures in docs/images, of the sandbox's page as people see it: `make screenshots`.

People of the sandbox play each scene, and it is looked at twice: on a screen of 1440 × 900, on a phone of 390 × 844.
"""

import argparse
import base64
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.browser.sample_chart import sample_chart
from tests.scenario.sandbox import Sandbox, everything_in, running

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZES: dict[str, ViewportSize] = {
    "": {"width": 1440, "height": 900},
    "-phone": {"width": 390, "height": 844},
}
SHARPNESS = 2
"""pixels of a picture for one of the page"""
QUALITY = 0.72
TO_THE_TOP = """node => {
  const box = node.closest("#timeline");
  if (box) box.scrollTop += node.getBoundingClientRect().top - box.getBoundingClientRect().top;
}"""
PATIENCE = 60_000
Find = Callable[[Page], Locator]

TO_WEBP = """async ([png, quality]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + png;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", quality);
}"""


@dataclass(frozen=True)
class Screenshots:
    browser: Browser
    sandbox: Sandbox
    directory: Path

    def take(self, name: str, person: str, place: str, find: Find) -> None:
        """What `find` finds at a person's place: cut out of the wide screen; the phone's screen whole."""
        for suffix, size in SIZES.items():
            with self.browser.new_context(viewport=size, device_scale_factor=SHARPNESS) as context:
                page = context.new_page()
                page.set_default_timeout(PATIENCE)
                page.goto(f"{self.sandbox.url}/#/{person}/{place}")
                shown = find(page)
                expect(shown).to_be_visible(timeout=PATIENCE)
                shown.evaluate(TO_THE_TOP)
                page.mouse.move(0, 0)
                clip = None if suffix else _around(shown, size)
                self.write(f"{name}{suffix}", page.screenshot(clip=clip, animations="disabled"))

    def write(self, name: str, png: bytes) -> None:
        page = self.browser.new_page()
        url = page.evaluate(TO_WEBP, [base64.b64encode(png).decode(), QUALITY])
        page.close()
        (self.directory / f"{name}.webp").write_bytes(base64.b64decode(url.partition(",")[2]))


def _around(shown: Locator, size: ViewportSize) -> Any:
    box = shown.bounding_box()
    assert box is not None
    x, y = max(0.0, box["x"]), max(0.0, box["y"])
    width, height = min(box["x"] + box["width"], size["width"]) - x, min(box["y"] + box["height"], size["height"]) - y
    return {"x": x, "y": y, "width": width, "height": height}


def message(words: str) -> Find:
    """The newest message in the conversation that holds these words."""
    return lambda page: page.locator("#timeline article").filter(has_text=words).last


def card(headline: str) -> Find:
    """The newest card with this headline."""
    return lambda page: page.locator("#timeline article").filter(has=page.get_by_role("heading", name=headline)).last


def play(screenshots: Screenshots) -> None:
    sandbox = screenshots.sandbox
    sandbox.types("ana", "/deploy")
    sandbox.until(lambda: sandbox.get("/api/views", **{"as": "ana"}), "the picker")
    screenshots.take("modal", "ana", "deployments", lambda page: page.get_by_role("dialog", name="Deploy"))
    for view in sandbox.get("/api/views", **{"as": "ana"}):
        sandbox.post(f"/api/views/{view['id']}/close", {"as": "ana"})

    sandbox.types("ana", "/deploy my-app prod --reason the new checkout")
    asked = sandbox.card_says("my-app → production", "Waiting for an approval")
    sandbox.until(lambda: "the new checkout" in everything_in(sandbox.messages("bo", "dm")), "bo to be asked")
    screenshots.take("card", "bo", "deployments", card("my-app → production"))
    screenshots.take("direct-message", "bo", "dm", message("my-app → production"))
    sandbox.post("/api/home", {"as": "bo"})
    screenshots.take("home", "bo", "home", lambda page: page.locator(".home").filter(has_text="What runs where"))
    sandbox.presses("bo", asked, "Approve")
    sandbox.card_says("my-app → production", "is Healthy in production")
    screenshots.take("ended", "bo", "deployments", card("my-app → production"))

    sandbox.types("bo", "/rollback my-app prod")
    sandbox.whisper("bo", "v1.4.1")
    screenshots.take("rollback", "bo", "deployments", message("Only visible to you"))

    journey(screenshots)

    sandbox.faults(critical_cve=True)
    sandbox.types("dee", "/scan ledger staging --rescan")
    sandbox.until(lambda: _finding(sandbox, "ledger"), "the new findings")
    sandbox.types("ana", "/deploy ledger prod")
    sandbox.card_says("ledger → production", "critical")
    screenshots.take("blocked", "bo", "deployments", card("ledger → production"))
    sandbox.types("ana", "/promote staging to prod --reason the weekly train")
    sandbox.until(lambda: "the weekly train" in everything_in(sandbox.messages("bo")), "the train")
    screenshots.take("train", "bo", "deployments", card("apps → production"))


def journey(screenshots: Screenshots) -> None:
    sandbox = screenshots.sandbox
    sandbox.post("/api/world/pushes", {"author": "Ana", "message": "Make the checkout faster"})
    mine = message("Make the checkout faster")
    arrived = "✅\u00a0development"
    sandbox.until(lambda: arrived in everything_in(sandbox.messages("ana", "dm")), "the push to arrive in development")
    sandbox.types("ana", "/deploy my-app staging")
    sandbox.card_says("my-app → staging", "is Healthy in staging")
    sandbox.types("ana", "/deploy my-app production")
    sandbox.presses("bo", sandbox.card_says("production · v1.4.2 → v1.4.3", "Waiting for an approval"), "Approve")
    sandbox.card_says("production · v1.4.2 → v1.4.3", "is Healthy in production")
    ended = "|production>"
    sandbox.until(lambda: ended in everything_in(sandbox.messages("ana", "dm")), "the push to arrive in production")
    screenshots.take("journey", "ana", "dm", mine)


def _finding(sandbox: Sandbox, app: str) -> bool:
    """Whether Harbor has found something critical in an image of the app."""
    found = [one["severities"] for one in sandbox.world()["artifacts"] if one["repository"].endswith(app)]
    return any("critical" in json.dumps(severities).lower() for severities in found)


@contextmanager
def _browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        raise SystemExit("There is no browser: install Debian's chromium package.")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield found
        found.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", nargs="?", type=Path, default=IMAGES, help="where they are written")
    directory = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    drawn = sample_chart()
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as sandbox, _browser() as browser:
        screenshots = Screenshots(browser, sandbox, directory)
        screenshots.write("dora", drawn)
        play(screenshots)


if __name__ == "__main__":
    main()
