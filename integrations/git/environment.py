"""What git is told through its environment: where the remote is, who we are there, and nothing of this machine's user.

Credentials go into `GIT_CONFIG_*` variables: never onto a command line, into a URL, or into a file.
"""

import base64
import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from bot.settings import GitSettings

_INHERITED = (
    "PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy",
)  # fmt: skip
_SECONDS_TO_CONNECT = 5
_SECONDS_OF_SILENCE = 15
REMOTE = "origin"

_LOCAL_CONFIG = (
    ("core.fsync", "none"),  # the cache may be lost at any moment: durability is the remote's business
    ("core.logAllRefUpdates", "false"),
    # A folder of 10,000 apps is hundreds of kilobytes of hashes: compressing takes long and makes it no smaller.
    ("core.compression", "0"),
    ("fastimport.unpackLimit", "1"),  # one small pack instead of another process and many files
    ("gc.auto", "0"),  # see BranchCache.fetch
    ("maintenance.auto", "false"),
)


class GitEnvironment:
    """Environments for git processes: `local` cannot reach the remote, `remote` can.

    Without the remote's configuration git does not know that this is a partial clone; so `local` commands say
    "missing" for a blob that was not fetched, instead of fetching each by itself.
    """

    def __init__(self, settings: GitSettings, directory: Path, ca_bundle: Path | None = None) -> None:
        self._settings = settings
        self._directory = directory
        self._ca_bundle = ca_bundle
        self._token = settings.credential("token")
        self.url, user, self._password = split_credentials(settings.url)
        self.user = user or settings.username

    def local(self) -> dict[str, str]:
        return self._environment(_LOCAL_CONFIG)

    def remote(self) -> dict[str, str]:
        """Reads the credentials as they are now. Raises OSError when their file cannot be read."""
        return self._environment((*_LOCAL_CONFIG, *self._remote_config())) | {"GIT_SSH_COMMAND": self._ssh_command()}

    def scrub(self, text: str) -> str:
        """`text` without anything secret, in case git or the server echoed it."""
        secret = self.secret()
        for shown in (secret, self._basic(secret)) if secret else ():
            text = text.replace(shown, "***")
        return re.sub(r"://[^/@\s]+@", "://***@", text)

    def _environment(self, config: Iterable[tuple[str, str]]) -> dict[str, str]:
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment |= {
            "GIT_DIR": str(self._directory),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "LC_ALL": "C",
        }
        pairs = tuple(config)
        for index, (key, value) in enumerate(pairs):
            environment[f"GIT_CONFIG_KEY_{index}"] = key
            environment[f"GIT_CONFIG_VALUE_{index}"] = value
        return environment | {"GIT_CONFIG_COUNT": str(len(pairs))}

    def _remote_config(self) -> Iterable[tuple[str, str]]:
        settings = self._settings
        yield f"remote.{REMOTE}.url", self.url
        yield f"remote.{REMOTE}.promisor", "true"
        yield f"remote.{REMOTE}.partialclonefilter", "blob:none"
        yield "protocol.version", "2"
        # A redirect would carry the token to another host.
        yield "http.followRedirects", "false"
        yield "http.lowSpeedLimit", "1"
        yield "http.lowSpeedTime", str(_SECONDS_OF_SILENCE)
        if secret := self.secret():
            yield f"http.{self.url}.extraHeader", f"Authorization: Basic {self._basic(secret)}"
        if self._ca_bundle:
            yield "http.sslCAInfo", str(self._ca_bundle)
        if settings.client_cert:
            yield "http.sslCert", str(settings.client_cert)
        if settings.client_key:
            yield "http.sslKey", str(settings.client_key)

    def secret(self) -> str:
        """As it is now. Raises OSError when its file cannot be read."""
        return self._token() if self._token else self._password

    def _basic(self, secret: str) -> str:
        return base64.b64encode(f"{self.user}:{secret}".encode()).decode()

    def _ssh_command(self) -> str:
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(_SECONDS_TO_CONNECT),
            "ServerAliveInterval": str(_SECONDS_OF_SILENCE),
            "ServerAliveCountMax": "1",
            "StrictHostKeyChecking": "yes",
        }
        if self._settings.ssh_key_file:
            options |= {"IdentityFile": str(self._settings.ssh_key_file), "IdentitiesOnly": "yes"}
        if self._settings.known_hosts_file:
            options["UserKnownHostsFile"] = str(self._settings.known_hosts_file)
        return shlex.join(["ssh", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))])


def split_credentials(url: str) -> tuple[str, str, str]:
    """(URL without credentials, user, password). An ssh:// URL keeps its user: it is part of the address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return url, "", ""
    credentials, _, host = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    return urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password)
