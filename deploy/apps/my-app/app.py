"""my-app: a small web service for the delivery pipeline to build. Standard library only, so the image is its source."""

import json
import os
import signal
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """`/` greets, `/version` tells which commit runs, `/livez` and `/readyz` are for the probes."""

    server: "Server"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/":
            self._answer(HTTPStatus.OK, {"greeting": f"{self.server.greeting} from my-app"})
        elif path == "/version":
            self._answer(HTTPStatus.OK, {"revision": self.server.revision})
        elif path == "/livez":
            self._answer(HTTPStatus.OK, {"status": "ok"})
        elif path == "/readyz":
            ready = not self.server.stopping.is_set()
            self._answer(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, {"ready": ready})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"There is nothing at {path}"})

    def _answer(self, status: HTTPStatus, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        # The probes alone would be a line a second.
        if getattr(self, "path", "") not in {"/livez", "/readyz"}:
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], greeting: str, revision: str) -> None:
        self.greeting = greeting
        self.revision = revision
        self.stopping = threading.Event()
        super().__init__(address, Handler)


def main() -> None:
    server = Server(
        ("", int(os.environ.get("PORT", "8080"))),
        greeting=os.environ.get("GREETING", "Hello"),
        revision=os.environ.get("REVISION", "unknown"),
    )

    def stop(*_: object) -> None:
        # No longer ready at once; shutdown() waits for serve_forever, which runs in this very thread.
        server.stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    with server:
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
