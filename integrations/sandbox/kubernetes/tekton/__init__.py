"""Tekton's types on the sandbox's API server: its admission and conversion webhooks."""
