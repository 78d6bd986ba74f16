"""Frozen values and the errors about them: what the rest of the house talks about. Standard library only."""
