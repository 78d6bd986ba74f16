"""What the remote may do to us, and what we say of it."""

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.domain.errors import HeadMoved, IntegrationError, NotFound, Refused, Unavailable
from bot.settings import GitSettings
from integrations.git import GitRemote
from integrations.git.cache import Patience
from integrations.sandbox.faults import FaultSettings, Weather
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.serving import serve
from tests.contract.overlays import FILES, PATH, change
from tests.fakes.bare import BareRepository
from tests.unit.integrations.git.conftest import Connect

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
CANARY = "canary/token+with=signs"
IMPATIENT = Patience(answer=1, fetch=5)
PATIENT = Patience(answer=10, fetch=15)


def answering(response: Callable[[], Response]) -> Starlette:
    def answer(_: Request) -> Response:
        return response()

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def status(code: int) -> Callable[[], Response]:
    return lambda: PlainTextResponse("remarks of the server", code)


@pytest.mark.parametrize(
    ("response", "kind", "sentence"),
    [
        (status(401), Refused, "PILOTHOUSE_GIT__TOKEN"),
        (status(403), Refused, "write access"),
        (status(404), NotFound, "does not exist"),
        (status(410), Refused, "refuses"),
        (status(429), Unavailable, "error"),
        (status(500), Unavailable, "error"),
        (status(503), Unavailable, "error"),
        (lambda: HTMLResponse("<html>Welcome to the proxy</html>"), NotFound, "shows no branch main"),
        (lambda: PlainTextResponse("0000ffffnonsense", media_type=ADVERTISEMENT), Refused, "not git's protocol"),
        (lambda: RedirectResponse("http://elsewhere.example.com/"), Refused, "redirects"),
    ],
)
async def test_an_answer_is_told_by_its_kind(
    tmp_path: Path, response: Callable[[], Response], kind: type[IntegrationError], sentence: str, connect: Connect
) -> None:
    async with serve(answering(response)) as url:
        remote = connect(GitSettings(url=f"{url}/deploy.git", token=CANARY), tmp_path, PATIENT)
        with pytest.raises(kind, match=sentence) as caught:
            await remote.head()
    assert type(caught.value) is kind
    assert caught.value.system == "git"
    assert CANARY not in str(caught.value)


@asynccontextmanager
async def served(directory: Path, faults: FaultSettings | None = None) -> AsyncIterator[tuple[GitServer, str]]:
    server = GitServer(directory / "served", CANARY, faults)
    await server.create(FILES, "First commit", Signature("Someone Else", "someone@example.com"))
    async with serve(server.app) as url:
        yield server, f"{url}/deploy.git"


@pytest.mark.parametrize("weather", ["down", "error-500", "error-429"])
async def test_a_remote_that_comes_back_is_used_again(tmp_path: Path, weather: Weather, connect: Connect) -> None:
    faults = FaultSettings()
    async with served(tmp_path, faults) as (server, url):
        remote = connect(GitSettings(url=url, token=CANARY), tmp_path / "cache", PATIENT)
        head = await remote.head()
        faults.set({"weather": {"git": weather}})
        with pytest.raises(Unavailable):
            await remote.head()
        with pytest.raises(Unavailable):
            await remote.commit(change(), head)
        faults.set({"weather": {"git": "fine"}})
        commit = await remote.commit(change(), head)
        assert await server.head() == commit.sha


async def test_a_closed_port_is_unavailable_within_seconds(tmp_path: Path, connect: Connect) -> None:
    remote = connect(GitSettings(url="http://127.0.0.1:1/deploy.git"), tmp_path)
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await remote.head()
    assert time.monotonic() - begun < 30


async def test_a_server_that_never_answers_is_unavailable_within_its_time(tmp_path: Path, connect: Connect) -> None:
    connected: list[asyncio.StreamWriter] = []
    listening = await asyncio.start_server(lambda _, writer: connected.append(writer), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    remote = connect(GitSettings(url=f"http://127.0.0.1:{port}/deploy.git"), tmp_path, IMPATIENT)
    begun = time.monotonic()
    with pytest.raises(
        Unavailable, match=r"no answer within 0\.\d seconds"
    ):  # what is left of one second for git's program
        await remote.head()
    assert time.monotonic() - begun < 30
    for writer in connected:
        writer.close()
    listening.close()
    await listening.wait_closed()


@pytest.mark.parametrize(("seconds", "tries"), [(0.0, 3), (0.15, 1)])
async def test_only_what_failed_soon_is_tried_again(
    tmp_path: Path, connect: Connect, seconds: float, tries: int
) -> None:
    """A push has no second try at all: it may have arrived."""
    remote = connect(GitSettings(url=str(tmp_path)), tmp_path, Patience(answer=10 if tries > 1 else 0.2))
    tried: list[float] = []

    async def fail() -> None:
        tried.append(seconds)
        await asyncio.sleep(seconds)
        raise Unavailable("git", "ask", "too slow")

    with pytest.raises(Unavailable):
        await remote._retrying(fail)
    assert len(tried) == tries


async def test_a_cancelled_question_leaves_no_process_behind(tmp_path: Path, connect: Connect) -> None:
    closed = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # the request, then the end of the stream when git-remote-http is gone
        closed.set()
        writer.close()

    listening = await asyncio.start_server(wait_for_the_end, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    remote = connect(GitSettings(url=f"http://127.0.0.1:{port}/deploy.git"), tmp_path)
    asking = asyncio.create_task(remote.head())
    await asyncio.sleep(0.3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(closed.wait(), 30)
    listening.close()
    await listening.wait_closed()


async def test_a_protected_branch_is_refused_with_the_servers_reason(bare: BareRepository, remote: GitRemote) -> None:
    bare.hook("pre-receive", "echo 'Protected branch: open a pull request' >&2; exit 1")
    head = await remote.head()
    with pytest.raises(Refused, match="Protected branch: open a pull request") as caught:
        await remote.commit(change(), head)
    assert type(caught.value) is Refused
    assert bare.head() == head


async def test_a_server_that_could_not_store_the_commit_is_asked_again(bare: BareRepository, remote: GitRemote) -> None:
    """As when its disk is full, or its housekeeping takes away what the push builds on."""
    head = await remote.head()
    bare.git("config", "receive.maxInputSize", "10")
    with pytest.raises(Unavailable, match="could not store the commit"):
        await remote.commit(change(), head)
    bare.git("config", "receive.maxInputSize", "0")
    made = await remote.commit(change(), head)
    assert bare.head() == made.sha


async def test_a_missing_branch_or_repository_is_not_found(
    bare: BareRepository, cache_dir: Path, connect: Connect
) -> None:
    with pytest.raises(NotFound, match="shows no branch release"):
        await connect(GitSettings(url=bare.url, branch="release"), cache_dir).head()
    with pytest.raises(NotFound):
        await connect(GitSettings(url=f"{bare.url}-nowhere"), cache_dir).head()


async def test_only_known_transports_are_used(cache_dir: Path, connect: Connect) -> None:
    with pytest.raises(Refused, match="address"):
        await connect(GitSettings(url="ext::sh -c touch% owned"), cache_dir).head()


async def test_a_remote_without_partial_clone_works(bare: BareRepository, remote: GitRemote) -> None:
    bare.git("config", "uploadpack.allowFilter", "false")
    bare.git("config", "uploadpack.allowAnySHA1InWant", "false")
    head = await remote.head()
    assert await remote.read(FILES, head) == FILES
    commit = await remote.commit(change(), head)
    assert bare.head() == commit.sha


async def test_the_mode_of_a_file_stays(bare: BareRepository, remote: GitRemote) -> None:
    bare.commit({"run.sh": b"#!/bin/sh\n"})
    await remote.commit(change(b"#!/bin/sh\nexit\n", path="run.sh"), await remote.head())
    assert bare.git("ls-tree", "main", "run.sh").startswith("100755 ")


async def test_who_wrote_and_who_committed(bare: BareRepository, cache_dir: Path, connect: Connect) -> None:
    settings = GitSettings(url=bare.url, committer_name="Bot", committer_email="bot@example.com")
    remote = connect(settings, cache_dir)
    await remote.commit(change(), await remote.head())
    shown = bare.git("log", "-1", "--format=%an <%ae> / %cn <%ce> / %at=%ct")
    people, _, times = shown.rpartition(" / ")
    assert people == "Ana Müller <ana@example.com> / Bot <bot@example.com>"
    assert len(set(times.split("="))) == 1


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up", "a//b", ".git/config", "a\nb", "a/./b"])
async def test_a_path_that_git_would_not_store_is_refused(remote: GitRemote, path: str) -> None:
    with pytest.raises(Refused, match="not files to write"):
        await remote.commit(change(path=path), await remote.head())


async def test_a_rotated_token_needs_no_restart(tmp_path: Path, connect: Connect) -> None:
    async with served(tmp_path) as (_, url):
        file = tmp_path / "token"
        file.write_text("old\n")
        remote = connect(GitSettings(url=url, token_file=file), tmp_path / "cache", PATIENT)
        with pytest.raises(Refused):
            await remote.head()
        file.write_text(f"{CANARY}\n")
        assert await remote.head()
        file.unlink()
        with pytest.raises(Unavailable, match="token cannot be read"):
            await remote.head()


async def test_the_token_is_in_no_command_line_file_or_error(
    tmp_path: Path, spied: Callable[[], list[str]], connect: Connect
) -> None:
    async with served(tmp_path) as (_, url):
        with_password = url.replace("http://", f"http://ana:{CANARY.replace('/', '%2F')}@")
        for settings in (GitSettings(url=url, token=CANARY), GitSettings(url=with_password)):
            remote = connect(settings, tmp_path / "cache")
            head = await remote.head()
            await remote.read([PATH], head)
            await remote.commit(change(head.encode()), head)
            with pytest.raises(IntegrationError) as caught:
                await remote.commit(change(), head)
            assert "canary" not in f"{caught.value!r} {remote!r}"
    assert "canary" not in " ".join(spied())
    for file in (tmp_path / "cache").rglob("*"):
        assert not file.is_file() or b"canary" not in file.read_bytes()


def certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, private = directory / "ca.pem", directory / "key.pem"
    authority.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return authority, private


@asynccontextmanager
async def over_tls(url: str, authority: Path, private: Path) -> AsyncIterator[str]:
    """The server at `url`, behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    host, port = url.removeprefix("http://").split(":")

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))

    listening = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await listening.wait_closed()


async def test_a_private_authority_is_trusted_when_it_is_named(tmp_path: Path, connect: Connect) -> None:
    authority, private = certificate(tmp_path)
    async with served(tmp_path) as (_, url), over_tls(url.removesuffix("/deploy.git"), authority, private) as secure:
        address = f"{secure}/deploy.git"
        with pytest.raises(Refused, match="TLS"):
            await connect(GitSettings(url=address, token=CANARY), tmp_path / "cache", PATIENT).head()
        settings = GitSettings(url=address, token=CANARY, ca_bundle=authority)
        remote = connect(settings, tmp_path / "cache", PATIENT)
        commit = await remote.commit(change(), await remote.head())
        assert await remote.head() == commit.sha


async def test_ssh_is_told_its_key_and_its_known_hosts(
    bare: BareRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    """An ssh that runs the command here, as sshd would there, and writes down how it was called."""
    record = tmp_path / "ssh.txt"
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\necho "$*" >> {record}\nfor last; do :; done\nunset GIT_DIR\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    settings = GitSettings(
        url=f"ssh://git@git.example.com{bare.path}",
        ssh_key_file=tmp_path / "id ed25519",
        known_hosts_file=tmp_path / "known_hosts",
    )
    remote = connect(settings, tmp_path / "cache")
    commit = await remote.commit(change(), await remote.head())
    assert bare.head() == commit.sha
    called = record.read_text()
    for option in (
        f"IdentityFile={tmp_path}/id ed25519", "IdentitiesOnly=yes", f"UserKnownHostsFile={tmp_path}/known_hosts",
        "StrictHostKeyChecking=yes", "BatchMode=yes", "ConnectTimeout=5", "git@git.example.com",
    ):  # fmt: skip
        assert option in called


async def test_a_path_that_git_reads_differently_line_by_line_is_read_all_the_same(
    bare: BareRepository, remote: GitRemote
) -> None:
    """git takes a carriage return at the end of a line of its input for half a line end."""
    await remote.commit(change(b"x", path="odd\r"), await remote.head())
    assert await remote.read(["odd\r", "odd"], bare.head()) == {"odd\r": b"x"}


async def test_after_a_push_that_came_too_late_the_head_is_fetched_without_asking_for_it_first(
    bare: BareRepository, cache_dir: Path, spied: Callable[[], list[str]], connect: Connect
) -> None:
    """Where others push all the time, each round trip before the next push is one in which they may be faster."""
    remote = connect(GitSettings(url=bare.url), cache_dir)
    old = await remote.head()
    newest = bare.commit({"other": b"by hand\n"})
    with pytest.raises(HeadMoved):
        await remote.commit(change(), old)
    spied()
    assert await remote.head() == newest
    assert [line.split()[-1] for line in spied() if "ls-remote" in line] == []
    made = await remote.commit(change(), newest)
    assert bare.head() == made.sha
    assert await remote.head() == made.sha
    assert any("ls-remote" in line for line in spied())
