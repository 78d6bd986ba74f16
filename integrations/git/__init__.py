"""Any git remote as the overlay repository: no work tree, no full clone, never a forced push."""

from integrations.git.remote import GitRemote

__all__ = ["GitRemote"]
