"""What the contract tests tell at the end: how much of a system's description they cover."""

from collections.abc import Callable

Covered = Callable[[str, str], None]
COVERED = "covered: "
"""Begins the name of the property by which a test's report carries it, from whichever process ran the test."""
