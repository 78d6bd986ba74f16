"""A whole sandbox as a process of its own, driven by its HTTP interface alone."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from integrations.sandbox.ports import free_port
from tests.canary import silent

Json = dict[str, Any]
T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 300
PATIENCE = 90
POLL_SECONDS, MOST_POLL_SECONDS = 0.05, 0.2
"""between two looks: who waits for long looks less often, for each look costs the sandbox what is waited for"""
ABSENT = Path(__file__).parent / "absent"


class Sandbox:
    """What people do and see; every method asks the running sandbox."""

    def __init__(self, url: str, data: Path) -> None:
        self.url = url
        self.data = data
        self.http = httpx.Client(base_url=url, timeout=60)

    def get(self, path: str, **query: str) -> Any:
        response = self.http.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Json) -> Json:
        response = self.http.post(path, json=body)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def world(self) -> Json:
        answer: Json = self.get("/api/world")
        return answer

    def types(self, person: str, text: str, channel: str = "deployments") -> Json:
        return self.reaches("/api/commands", {"as": person, "channel": channel, "text": text})

    def presses(self, person: str, card: Json, label: str, **how: Any) -> Json:
        """`card` may be an older picture of the message: what is pressed is what stands there now."""
        body = {"as": person, "channel": card["channel"], "ts": card["ts"], "label": label, **how}
        return self.reaches("/api/actions", body)

    def reaches(self, path: str, body: Json) -> Json:
        """What does not reach the bot although it runs, for its connection was just lost, people do once more."""

        def answered() -> Json | None:
            answer = self.post(path, body)
            lost = answer.get("error") == "dispatch_failed" and self.world()["bot"]["running"]
            return None if lost else answer

        return self.until(answered, f"{body} to reach the bot")

    def messages(self, person: str, channel: str = "deployments") -> list[Json]:
        answer: list[Json] = self.get(f"/api/channels/{channel}/messages", **{"as": person})
        return answer

    def cards(self, headline: str) -> list[Json]:
        """The cards whose first line holds this, oldest first; every engineer sees them."""
        return [m for m in self.messages("ana") if not m.get("ephemeral") and headline in _headline(m)]

    def card(self, headline: str) -> Json:
        """The only card with this headline, waited for."""
        found = self.until(lambda: self.cards(headline), f"a card {headline!r}")
        assert len(found) == 1, [message["text"] for message in found]
        return found[0]

    def card_says(self, headline: str, words: str) -> Json:
        """The only card with this headline, once it says these words."""

        def says() -> Json | None:
            found = self.card(headline)
            return found if words in everything_in(found) else None

        return self.until(says, f"the card {headline!r} to say {words!r}", lambda: everything_in(self.card(headline)))

    def whisper(self, person: str, words: str, channel: str = "deployments") -> Json:
        """The newest ephemeral message that only this person sees and that holds the words."""

        def private() -> list[Json]:
            return [m for m in self.messages(person, channel) if m.get("ephemeral")]

        return self.until(
            lambda: next((m for m in reversed(private()) if words in everything_in(m)), None),
            f"{person} to be told {words!r}",
            lambda: [everything_in(m) for m in private()],
        )

    def told(self, person: str, words: str, channel: str = "deployments") -> str:
        """All that `whisper` says."""
        return everything_in(self.whisper(person, words, channel))

    def commits(self, path: str, since: list[Json] | None = None) -> list[Json]:
        """The commits that touch this path, newest first; only those that came after an earlier answer."""
        known = {commit["sha"] for commit in since or []}
        return [one for one in self.world()["commits"] if path in one["files"] and one["sha"] not in known]

    def application(self, name: str) -> Json:
        return next(one for one in self.world()["applications"] if one["name"] == name)

    def tag(self, app: str, environment: str) -> str:
        return str(self.world()["overlays"][app][environment]["images"][0]["tag"])

    def faults(self, **faults: Any) -> None:
        self.post("/api/world/faults", faults)

    def bot(self, act: str) -> None:
        self.post("/api/bot", {"do": act})
        if act == "start":
            self.until(lambda: self.get("/api/workspace")["bot"]["connections"], "the bot to be connected again")

    def until(self, look: Callable[[], T | None], what: str, seen: Callable[[], Any] = lambda: "") -> T:
        """The first answer that is something, or a failure that says what was waited for and what was seen."""
        deadline, pause = time.monotonic() + PATIENCE, POLL_SECONDS
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(pause)
            pause = min(pause * 1.3, MOST_POLL_SECONDS)
        raise AssertionError(f"waited {PATIENCE} s for {what}; seen: {seen()}\n{self.log()}")

    def log(self) -> str:
        return (self.data / "bot.log").read_text()[-3000:]


def everything_in(value: Any) -> str:
    """All texts of a message or view, one a line."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return "\n".join([*own, *(everything_in(part) for part in value.values() if isinstance(part, dict | list))])
    if isinstance(value, list):
        return "\n".join(everything_in(part) for part in value)
    return ""


def labels(message: Json) -> list[str]:
    """What is written on the buttons of a message."""
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return [button["text"]["text"] for row in rows for button in row if button["type"] == "button"]


def changed_lines(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if re.match(r"[+-](?![+-]{2} )", line)]


def _headline(message: Json) -> str:
    first = (message["blocks"] or [{}])[0]
    return str(first["text"]["text"]) if first.get("type") == "header" else ""


@contextlib.contextmanager
def running(
    data: Path,
    speed: str = "4",
    *,
    program: Sequence[str | Path] = (sys.executable, "-m", "bot"),
    cwd: Path = REPOSITORY,
    path: str | None = None,
) -> Iterator[Sandbox]:
    """`pilothouse sandbox` on a free port, until the block ends. Fails then when it or the bot logged a secret.

    `path` is its PYTHONPATH; ours if it is None, without what only developers install.
    """
    port = free_port()
    if path is None:
        path = os.pathsep.join(filter(None, (str(ABSENT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PORT": str(port), "SANDBOX_SPEED": speed, "SANDBOX_DATA": str(data / "world")}
    environment["PYTHONPATH"] = path
    output = data / "sandbox.log"
    with output.open("wb") as log:
        process = subprocess.Popen([*program, "sandbox"], cwd=cwd, env=environment, stdout=log, stderr=log)
    sandbox = Sandbox(f"http://127.0.0.1:{port}", data / "world")
    try:
        _wait_for(sandbox, process, output)
        yield sandbox
    finally:
        sandbox.http.close()
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    silent(output, data / "world" / "bot.log")


def _wait_for(sandbox: Sandbox, process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if sandbox.get("/api/workspace")["bot"]["connections"]:
                return
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"the sandbox did not come up: {output.read_text()[-3000:]}")
