"""Where an Application takes its manifests from, held against the overlay that promotions write."""

import posixpath
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

HEAD = ("", "HEAD")
"""what Argo CD takes for the default branch"""
SHA = re.compile(r"[0-9a-f]{7,40}", re.IGNORECASE)
REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""the whole id of a commit, in either kind of repository"""
SCP = re.compile(r"(?:[^/@:]+@)?([^/@:]+):(?!//)(.+)")
"""git@host:path, which is no URL"""
WEB_PORTS = (None, 80, 443)
SAME_HOST = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "ssh.dev.azure.com": "dev.azure.com",
}
"""hosts that serve the repositories of another one over SSH"""


@dataclass(frozen=True, slots=True)
class Source:
    """One source of an Application, as its spec writes it.

    `revision` is the target revision ("" for the default branch), `images` are overrides of what kustomize pins, and
    `plain`: the directory is applied file by file, so that nobody reads its kustomization.
    """

    repository: str
    path: str = ""
    revision: str = ""
    chart: str = ""
    images: tuple[str, ...] = ()
    plain: bool = False


@dataclass(frozen=True)
class OverlayBranch:
    """The branch that promotions are committed to, and every URL by which its repository is known.

    `default` is the branch that the remote's HEAD names, "" while it was not asked.
    """

    urls: tuple[str, ...]
    branch: str
    default: str = ""

    def is_repository_of(self, source: Source) -> bool:
        return any(same_repository(source.repository, url) for url in self.urls)

    def is_followed_by(self, source: Source) -> bool:
        """Whether a commit on the branch is seen by the source. HEAD counts where the remote says that it is this."""
        same = self.default if source.revision in HEAD else source.revision
        targets = (self.branch, f"refs/heads/{self.branch}")
        return not source.chart and self.is_repository_of(source) and same in targets

    def is_hidden_by_its_url(self, sources: Sequence[Source]) -> bool:
        """Whether none is of this repository, though one may be so under a URL that is not known here."""
        others = [source for source in sources if not source.chart and source.repository]
        return bool(others) and not any(self.is_repository_of(source) for source in others)

    def position(self, sources: Sequence[Source]) -> int:
        """Which of an Application's sources is ours: the first for lack of a better one."""

        def likeness(index: int) -> tuple[bool, bool, bool]:
            source = sources[index]
            branch = source.revision in (*HEAD, self.branch, f"refs/heads/{self.branch}") and not source.chart
            return self.is_repository_of(source), branch, bool(source.path)

        return max(range(len(sources)), key=likeness, default=0)


def astray(sources: Sequence[Source], ours: OverlayBranch, directory: str, images: Collection[str] = ()) -> str:
    """Why an Application does not see what is committed to the overlay in `directory`; "" when it does.

    `images` are the names and repositories of the entries that the promotion writes. The words go behind the
    Application's name. No source that is told is no source that is ours.
    """
    if not sources:
        return "does not say where its manifests come from"
    found = [_astray(source, ours, directory, images) for source in sources]
    if "" in found:
        return ""
    return found[ours.position(sources)]


def _astray(source: Source, ours: OverlayBranch, directory: str, images: Collection[str]) -> str:
    if source.chart:
        return f"installs the chart {source.chart}, not the overlay"
    if not ours.is_repository_of(source):
        return f"follows another repository ({source.repository or 'none'})"
    if source.revision in HEAD and not ours.is_followed_by(source):
        return f"follows HEAD, which is {ours.default or 'a branch that the remote does not name'}, not {ours.branch}"
    if not ours.is_followed_by(source):
        pinned = f"is pinned to the commit {source.revision[:7]}" if SHA.fullmatch(source.revision) else ""
        return f"{pinned or f'follows {source.revision}'}, not the branch {ours.branch}"
    if directory_of(source.path) != directory_of(directory):
        return f"follows the path {source.path or '/'}, not {directory}"
    if source.plain:
        return "applies the directory file by file, so kustomize does not run"
    if overridden := sorted({_name(entry) for entry in source.images} & set(images)):
        return f"overrides the image of the overlay itself ({', '.join(overridden)})"
    return ""


def is_revision(text: str) -> bool:
    """Whether it names one commit for ever: a branch is another one tomorrow, and so may be a short id."""
    return REVISION.fullmatch(text) is not None


def same_repository(one: str, other: str) -> bool:
    """Whether two URLs mean one repository: however they are written, and over whichever protocol.

    Like Argo CD and GitHub, without regard to case.
    """
    left, right = _address(one), _address(other)
    if left is None or right is None or left[:2] != right[:2]:
        return False
    ports = {left[2], right[2]} - {None}
    return len(ports) < 2


def directory_of(path: str) -> str:
    """A path inside a repository, written in the one way in which it can be compared; "" is the root."""
    return posixpath.normpath("/" + path.strip()).lstrip("/")


def _address(url: str) -> tuple[str, str, int | None] | None:
    """Host, path and port: 0 for the web's own, None for SSH, whose port says nothing of the web's."""
    text = unquote(url.strip()).lower()
    if "://" not in text and (short := SCP.fullmatch(text)):
        text = f"ssh://{short[1]}/{short[2]}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    path = "/".join(part for part in parts.path.split("/") if part).removesuffix(".git")
    if not path:
        return None
    host = SAME_HOST.get(parts.hostname or "", parts.hostname or "")
    path = _azure(path) if host == "dev.azure.com" else path.removeprefix("scm/")
    secure_shell = parts.scheme.endswith("ssh") or parts.scheme == "git"
    if secure_shell:
        return host, path, None
    return host, path, 0 if port in WEB_PORTS else port


def _azure(path: str) -> str:
    """`org/project/_git/name` over HTTPS is `v3/org/project/name` over SSH."""
    return path.removeprefix("v3/").replace("/_git/", "/")


def _name(entry: str) -> str:
    """The image that an override replaces: `name=new:tag`, `name:tag` or `name@digest`."""
    name = entry.partition("=")[0].partition("@")[0]
    repository, colon, tag = name.rpartition(":")
    return repository if colon and "/" not in tag else name
