"""What an Application is made from, out of the three ways in which its spec may say so."""

from collections.abc import Sequence
from functools import lru_cache

from bot.domain.source import OverlayBranch, Source
from integrations.argocd import wire

Revisioned = wire.ArgoSyncStatus | wire.SyncOperation | wire.SyncResult | wire.ArgoHistory
"""whatever tells a commit: in `revision`, or one for each source in `revisions` (A20)"""


def sources(spec: wire.Spec) -> tuple[Source, ...]:
    """As `GetSource` of Argo CD reads it: a hydrator comes before `sources`, and `sources` before `source`.

    A hydrated Application is synced from the branch that the hydrator writes, never from the one that people write.
    """
    if spec.source_hydrator:
        return (_hydrated(spec.source_hydrator),)
    single = [spec.source] if spec.source else []
    return tuple(_source(one) for one in spec.sources or single)


def revision(of: Revisioned | None, position: int = 0) -> str:
    """The commit of the source at `position`, where there are several; "" where it is not told."""
    if of is None:
        return ""
    if of.revisions:
        return shared(of.revisions[position]) if position < len(of.revisions) else ""
    return shared(of.revision or "")


@lru_cache(maxsize=5000)
def shared(text: str) -> str:
    """The same text, as one object: ten thousand Applications name few commits and repositories, each a dozen times."""
    return text


def position(found: Sequence[Source], overlays: OverlayBranch | None) -> int:
    """Which source the commits that people ask about are of: the overlay repository's, else the first."""
    return overlays.position(found) if overlays else 0


def _source(source: wire.ArgoSource) -> Source:
    overrides = (source.kustomize or wire.Kustomize()).images
    return Source(
        repository=shared(source.repo_url or ""),
        path=source.path or "",
        revision=shared(source.target_revision or ""),
        chart=source.chart or "",
        images=tuple(overrides or ()),
        plain=source.directory is not None and source.kustomize is None,
    )


def _hydrated(hydrator: wire.SourceHydrator) -> Source:
    dry, synced = hydrator.dry_source or wire.ArgoSource(), hydrator.sync_source or wire.SyncSource()
    return Source(
        dry.repo_url or "", synced.path or "", synced.target_branch or "(a branch that Argo CD does not name)"
    )
