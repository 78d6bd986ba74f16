"""The overlay repository: which apps there are, and the byte-preserving edit of a kustomization."""
