"""Loops beside the answering of requests: expiry, wake-ups, moved lines, replicas."""
