"""What the pipeline's last task asks before it writes an overlay: is it held back, and why?"""

import re
from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.errors import UnknownName
from bot.domain.image import Image, Reference, is_digest
from bot.domain.promotion import VerdictState
from bot.queries.pipeline_holds import PipelineHolds, said
from bot.webhooks.sender import same

PATH = "/pipeline/hold"
FREE_WORD, HELD_WORD = "free", "held"
MOST = 600
"""characters of a reason: it becomes a result of a task, and all results of one share 4096 bytes (T6)"""
LONGEST = 255
"""characters of a name"""
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST - 1}}}")

log = structlog.get_logger()


class PipelineHold:
    """Answers plain text, which a shell can read: a line "free" or "held", and after "held" a line that says why.

    Whatever else is answered (401, 403, 404, 503) is no answer: who asks must then not write. `secret` is asked at each
    question, so that a rotated one holds at once; without one, everything is refused.
    """

    def __init__(self, holds: PipelineHolds, secret: Callable[[], str]) -> None:
        self._holds = holds
        self._secret = secret

    def route(self) -> Route:
        return Route(PATH, self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        try:
            secret = self._secret()
        except (OSError, UnicodeDecodeError) as error:
            log.warning("pipeline_hold.secret_unreadable", error=type(error).__name__)
            return _told("the pipeline's token cannot be read just now", 503)
        if not secret:
            return _told("the pipeline's token is not set, so nobody is answered: see `pilothouse doctor`", 403)
        if not same(request.headers.get("authorization", ""), f"Bearer {secret}"):
            log.warning("pipeline_hold.refused")
            return _told("the token is not the one that is expected", 401)
        return await self._asked(request)

    async def _asked(self, request: Request) -> Response:
        asked = request.query_params
        app, environment = asked.get("app", ""), asked.get("environment", "")
        image = _image(asked.get("image", ""), asked.get("digest", ""))
        if not _NAME.fullmatch(app) or image is None:
            return _told("expected app, environment, image (repository:tag) and digest (sha256:…)", 400)
        try:
            results = await self._holds.on(app, environment, image)
        except UnknownName as error:
            return _told(error.sentence, 404)
        about = {"app": app, "environment": environment, "image": str(image), "run": asked.get("run", "")[:LONGEST]}
        if any(result.verdict.state is VerdictState.WAITING for result in results):
            log.warning("pipeline_hold.unknown", why=said(results), **about)
            return _told(said(results), 503)
        log.info("pipeline_hold.asked", held=[result.gate for result in results], **about)
        return _told(HELD_WORD, why=said(results)) if results else _told(FREE_WORD)


def _image(named: str, digest: str) -> Image | None:
    reference = Reference.parse(named)
    known = len(named) <= LONGEST and reference.repository and is_digest(digest)
    return Image(reference.repository, digest, reference.tag) if known else None


def _told(first: str, status: int = 200, *, why: str = "") -> Response:
    """`why` in one line that a terminal, a log and a result of a task can carry."""
    plain = "".join(letter if letter.isprintable() else " " for letter in why)
    line = " ".join(plain.split())[:MOST]
    return PlainTextResponse(f"{first}\n{line}\n" if line else f"{first}\n", status)
