"""The questions of a promotion over HTTP, one request each: where the branch is, what is in its files, and to move it.

git's own programs ask each with two requests on a new connection and up to five processes. Here only success is
known: whatever else the remote answers, git is asked instead, and tells what is wrong. Formats: gitprotocol-http(5),
gitprotocol-v2(5), gitprotocol-pack(5).
"""

from collections.abc import Iterable, Iterator

from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.settings import GitSettings
from integrations.git.environment import GitEnvironment
from integrations.git.failures import SYSTEM, rejection
from integrations.git.objects import is_sha
from integrations.http import Basic, Connection, HttpPolicy

_FLUSH = b"0000"
_DELIMITER = b"0001"
_CAPABILITIES = {"report-status", "side-band-64k", "ofs-delta"}
_SHARE = 4
"""of the seconds for an answer, the part in which a question is asked here; the rest is for git's own program"""
# Some hosts show their web pages to whoever is not git.
_AGENT = {"User-Agent": "git/2 (pilothouse)"}
_REPORT, _REMARKS = 1, 2
_DATA, _FATAL = b"\x01", b"\x03"
"""side-bands"""


class SmartHttp:
    """What is cached of the remote is only what it can do. Raises ValueError, OSError when it cannot be used at all."""

    def __init__(self, settings: GitSettings, environment: GitEnvironment, seconds: float) -> None:
        self._branch = f"refs/heads/{settings.branch}"
        self._asking = HttpPolicy(total=seconds / _SHARE, attempts=1)
        self._pushing = HttpPolicy(read=seconds, total=seconds, attempts=1)
        auth = Basic(environment.user, environment.secret)
        self._connection = Connection(SYSTEM, environment.url, auth=auth, tls=settings)
        self._lists: bool | None = None
        self._receives: bool | None = None

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def head(self) -> str:
        """The commit that the branch is at; "" when git must be asked."""
        try:
            return await self._head() if await self._can_list() else ""
        except (IntegrationError, ValueError):
            return ""

    async def objects(self, shas: Iterable[str]) -> bytes:
        """A pack of exactly these; b"" when git must be asked."""
        wants = b"".join(_line(f"want {sha}".encode()) for sha in shas)
        body = _line(b"command=fetch") + _DELIMITER + _line(b"ofs-delta") + _line(b"no-progress") + wants
        try:
            if not await self._can_list():
                return b""
            return _packed(await self._post("fetch files", "git-upload-pack", body + _line(b"done") + _FLUSH))
        except (IntegrationError, ValueError):
            return b""

    async def push(self, old: str, new: str, pack: bytes) -> bool:
        """Moves the branch from `old` to `new`, or not at all: the server compares and swaps. False: git must push.

        Raises HeadMoved; Refused with the server's reason; Unavailable when the push may have arrived all the same.
        """
        try:
            if not await self._can_receive():
                return False
            command = f"{old} {new} {self._branch}\0{' '.join(sorted(_CAPABILITIES - {'ofs-delta'}))}"
            answer = await self._post("push", "git-receive-pack", _line(command.encode()) + _FLUSH + pack)
        except Unavailable:
            raise
        except (IntegrationError, ValueError):
            return False
        try:
            return self._landed(answer)
        except ValueError as error:
            self._receives = False
            raise Unavailable(
                SYSTEM, "push", "the answer to the push is not git's: whether it arrived is open"
            ) from error

    async def _head(self) -> str:
        body = _line(b"command=ls-refs") + _DELIMITER + _line(f"ref-prefix {self._branch}".encode()) + _FLUSH
        for line in _lines(await self._post("ask for the head", "git-upload-pack", body)):
            sha, _, name = line.decode(errors="replace").rstrip("\n").partition(" ")
            if name == self._branch and is_sha(sha):
                return sha
        return ""

    async def _can_list(self) -> bool:
        """Whether the remote speaks version 2 of the protocol."""
        if self._lists is None:
            lines = await self._advertised("git-upload-pack")
            self._lists = b"version 2\n" in lines and any(line.startswith(b"ls-refs") for line in lines)
        return self._lists

    async def _can_receive(self) -> bool:
        if self._receives is None:
            lines = await self._advertised("git-receive-pack")
            first = next((line for line in lines if b"\0" in line), b"")
            offered = set(first.partition(b"\0")[2].decode(errors="replace").split())
            self._receives = offered >= _CAPABILITIES and "no-thin" not in offered
        return self._receives

    async def _advertised(self, service: str) -> tuple[bytes, ...]:
        answer = await self._connection.request(
            "ask what it can do",
            "GET",
            "/info/refs",
            params={"service": service},
            headers={**_AGENT, "Accept": "*/*", "Git-Protocol": "version=2"},
            policy=self._asking,
        )
        if answer.headers.get("content-type") != f"application/x-{service}-advertisement":
            raise Refused(SYSTEM, "ask what it can do", "the answer is not git's")
        return tuple(_lines(answer.body))

    async def _post(self, operation: str, service: str, body: bytes) -> bytes:
        answer = await self._connection.request(
            operation,
            "POST",
            f"/{service}",
            headers={
                **_AGENT,
                "Accept": f"application/x-{service}-result",
                "Content-Type": f"application/x-{service}-request",
                "Git-Protocol": "version=2",
            },
            content=body,
            policy=self._asking if service == "git-upload-pack" else self._pushing,
        )
        return answer.body

    def _landed(self, answer: bytes) -> bool:
        """What the report says of the branch. Raises ValueError when it is none, HeadMoved, Refused."""
        bands = [(line[0], line[1:]) for line in _lines(answer) if line]
        report = [*_lines(b"".join(data for band, data in bands if band == _REPORT))]
        remarks = b"".join(data for band, data in bands if band == _REMARKS).decode(errors="replace")
        if report[:1] != [b"unpack ok\n"]:
            if report and report[0].startswith(b"unpack "):
                return False
            raise ValueError("no report")
        said = next((line.decode(errors="replace").rstrip("\n") for line in report[1:]), "")
        if said == f"ok {self._branch}":
            return True
        if not said.startswith(f"ng {self._branch} "):
            raise ValueError("no report of the branch")
        raise rejection("push", said.removeprefix(f"ng {self._branch} "), remarks.splitlines())


def _packed(answer: bytes) -> bytes:
    """The pack in the answer to a fetch (gitprotocol-v2). Raises ValueError where there is none."""
    first, *rest = tuple(_lines(answer)) or (b"",)
    if first.rstrip(b"\n") != b"packfile" or any(line[:1] == _FATAL for line in rest):
        raise ValueError("no pack")
    return b"".join(line[1:] for line in rest if line[:1] == _DATA)


def _line(data: bytes) -> bytes:
    return b"%04x%s" % (len(data) + 4, data)


def _lines(stream: bytes) -> Iterator[bytes]:
    """The contents of pkt-lines; those that only divide are left out. Raises ValueError."""
    position = 0
    while position < len(stream):
        length = int(stream[position : position + 4], 16)
        if length >= 4:
            if position + length > len(stream):
                raise ValueError("the answer ends in the middle of a line")
            yield stream[position + 4 : position + length]
        position += max(length, 4)
