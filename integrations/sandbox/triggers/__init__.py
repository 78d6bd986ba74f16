"""Tekton Triggers: what an EventListener makes of a delivery, and the EventListener on a socket."""

from integrations.sandbox.triggers.evaluation import Stopped, runs_of
from integrations.sandbox.triggers.listener import EventListener

__all__ = ["EventListener", "Stopped", "runs_of"]
