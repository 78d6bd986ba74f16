"""update-manifest asks whether its overlay is held back, before each push, and writes on no other word than "free"."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.deploy.test_task_scripts import DIGEST, OVERLAY, git, manifests, update

__all__ = ["manifests"]

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")

HELD = "held\nmy-app in development is locked by Ana: a migration. Ask Ana: `/unlock my-app development`.\n"


@dataclass
class Bot:
    """Answers in turn, the last one again and again; notes what it was asked."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "free\n")])
    asked: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bot.asked.append(self.path)
            bot.shown.add(self.headers.get("Authorization", ""))
            status, text = bot.answers.pop(0) if len(bot.answers) > 1 else bot.answers[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", text)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """The test tells."""

    (tmp_path / "token").write_text("hold-token")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    bot.url = f"http://127.0.0.1:{server.server_address[1]}/pipeline/hold"
    yield bot
    server.shutdown()
    server.server_close()


def ask(
    manifests: Path, bot: Bot, home: str = "home", **other: str
) -> tuple[subprocess.CompletedProcess[str], str, str]:
    """What came of it, the commit, and why it is held."""
    token = str(manifests.parent / "token")
    done, commit = update(manifests, home, **{"HOLD_URL": bot.url, "HOLD_TOKEN": token, "WAITS": "0 0", **other})
    return done, commit, (manifests.parent / "held").read_text()


def written(manifests: Path) -> bool:
    return "newTag: v1.4.3" in git(manifests, "show", f"main:{OVERLAY}")


@pytest.fixture(autouse=True)
def _wget(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image's is busybox's; a developer's may be another."""
    wanted = getattr(request, "param", "busybox")
    found = shutil.which(wanted)
    if not found:
        pytest.skip(f"{wanted} is not installed")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "wget").symlink_to(found)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize("_wget", ["busybox", "wget"], indirect=True)
def test_what_is_held_is_not_written_and_the_run_says_why(manifests: Path, bot: Bot) -> None:
    bot.answers = [(200, HELD)]
    done, commit, why = ask(manifests, bot)
    assert (done.returncode, commit) == (0, "")
    assert not written(manifests)
    assert why == HELD.splitlines()[1]
    assert f"Not written: {why}" in done.stdout
    assert bot.shown == {"Bearer hold-token"}
    image = f"image=harbor.example.com/apps/my-app:v1.4.3&digest={DIGEST}"
    assert bot.asked == [f"/pipeline/hold?app=my-app&environment=development&{image}&run=my-app-x7k2p"]


def test_what_is_free_is_written(manifests: Path, bot: Bot) -> None:
    done, commit, why = ask(manifests, bot)
    assert (done.returncode, why) == (0, "")
    assert written(manifests)
    assert commit == git(manifests, "rev-parse", "main")


NO_ANSWERS = {
    "a restart": (503, "free\n"),
    "no token there": (403, "free\n"),
    "another token": (401, "free\n"),
    "no such environment": (404, "free\n"),
    "broken": (500, "free\n"),
    "a proxy's page": (200, "<html>free</html>\n"),
    "nothing": (200, ""),
    "another word": (200, "FREE\n"),
    "more than the word": (200, "free of charge\n"),
    "the word on the second line": (200, "\nfree\n"),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_lets_nothing_through(manifests: Path, bot: Bot, answer: tuple[int, str]) -> None:
    bot.answers = [answer]
    done, commit, why = ask(manifests, bot)
    assert (done.returncode, commit, why) == (1, "", "")
    assert not written(manifests)
    assert "does not say whether my-app in development is held" in done.stderr
    assert len(bot.asked) == 2


def test_nobody_there_lets_nothing_through(manifests: Path, bot: Bot) -> None:
    done, commit, _ = ask(manifests, bot, HOLD_URL="http://127.0.0.1:9/pipeline/hold")
    assert (done.returncode, commit) == (1, "")
    assert not written(manifests)


def test_a_platform_may_prefer_builds_to_locks(manifests: Path, bot: Bot) -> None:
    """Where nobody answers; what is held is held all the same."""
    bot.answers = [(200, HELD)]
    assert ask(manifests, bot, WITHOUT_ANSWER="write")[0].returncode == 0
    assert not written(manifests)
    bot.answers = [(503, "")]
    assert ask(manifests, bot, WITHOUT_ANSWER="write", home="again")[0].returncode == 0
    assert written(manifests)


def test_a_bot_that_restarts_is_asked_again(manifests: Path, bot: Bot) -> None:
    bot.answers = [(503, "the database is away\n"), (200, "free\n")]
    assert ask(manifests, bot)[0].returncode == 0
    assert written(manifests)


@pytest.mark.parametrize("environment", ["development&app=other", "dev elopment"])
def test_a_name_cannot_ask_another_question(manifests: Path, bot: Bot, environment: str) -> None:
    overlay = f"apps/my-app/overlays/{environment}"
    work = manifests.parent / "work"
    shutil.copytree(work / "apps/my-app/overlays/development", work / overlay)
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "Odd name")
    git(work, "push", "--quiet", str(manifests), "HEAD:main")
    done, _, _ = ask(manifests, bot, ENVIRONMENT=environment)
    assert done.returncode == 1
    assert not bot.asked


def test_a_lock_that_comes_while_another_writer_is_first_counts(manifests: Path, bot: Bot) -> None:
    """It is asked again before the next push."""
    bot.answers = [(200, "free\n"), (200, HELD)]
    work = manifests.parent / "work"
    (work / "README.md").write_text("more")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "A change")
    hook = manifests / "hooks" / "pre-receive"
    push = f"env -i PATH=\"$PATH\" git -C '{work}' push --quiet '{manifests}' HEAD:main"
    hook.write_text(f"#!/bin/sh\nrm '{hook}'\n{push}\n")
    hook.chmod(0o755)
    done, commit, why = ask(manifests, bot)
    assert (done.returncode, commit) == (0, "")
    assert why
    assert len(bot.asked) == 2
    assert not written(manifests)
