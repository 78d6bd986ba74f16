"""Alertmanager: what fires now."""

from integrations.alertmanager.client import Alertmanager

__all__ = ["Alertmanager"]
