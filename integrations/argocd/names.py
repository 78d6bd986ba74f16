"""Applications outside Argo CD's own namespace, which are called `namespace/name`, as Argo CD itself calls them."""

from bot.domain.application import ApplicationRef
from integrations.argocd import wire


def parts(ref: ApplicationRef) -> tuple[str, str]:
    """Namespace and name; the namespace is "" for Argo CD's own."""
    namespace, _, name = ref.name.rpartition("/")
    return namespace, name


def qualified(metadata: wire.ArgoMetadata, own: str) -> str:
    """`own` is Argo CD's namespace, "" where it is not known."""
    elsewhere = own and metadata.namespace and metadata.namespace != own
    return f"{metadata.namespace}/{metadata.name}" if elsewhere else metadata.name
