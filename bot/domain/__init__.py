"""Frozen values and the errors about them: what the rest of Pilothouse talks about. Standard library only."""
