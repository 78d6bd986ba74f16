"""Run with ./run-tests, as the pipeline does."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import app


def get(url: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


class Answers(unittest.TestCase):
    def setUp(self) -> None:
        self.server = app.Server(("127.0.0.1", 0), greeting="Ahoy", revision="6113728f")
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def test_greets(self) -> None:
        self.assertEqual(get(self.url + "/"), (200, {"greeting": "Ahoy from my-app"}))

    def test_tells_its_revision(self) -> None:
        self.assertEqual(get(self.url + "/version"), (200, {"revision": "6113728f"}))

    def test_unknown_path(self) -> None:
        self.assertEqual(get(self.url + "/nothing?x=1"), (404, {"error": "There is nothing at /nothing"}))

    def test_not_ready_while_stopping_but_alive(self) -> None:
        self.assertEqual(get(self.url + "/readyz"), (200, {"ready": True}))
        self.server.stopping.set()
        self.assertEqual(get(self.url + "/readyz"), (503, {"ready": False}))
        self.assertEqual(get(self.url + "/livez"), (200, {"status": "ok"}))


class Process(unittest.TestCase):
    def test_ends_by_itself_when_told(self) -> None:
        port = random.randrange(15_000, 30_000)  # below those that the system gives away meanwhile
        process = subprocess.Popen(
            [sys.executable, str(Path(app.__file__))], env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL
        )
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 10
        while True:
            try:
                status, _ = get(f"http://127.0.0.1:{port}/readyz")
                break
            except urllib.error.URLError:
                self.assertLess(time.monotonic(), deadline, "the server did not come up")
                time.sleep(0.02)
        self.assertEqual(status, 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=10), 0)


if __name__ == "__main__":
    unittest.main()
