"""Slack's Web API: people (Directory), messages (Messenger), modals (Modals)."""

from integrations.slack.api import SlackApi
from integrations.slack.directory import SlackDirectory
from integrations.slack.messenger import SlackMessenger
from integrations.slack.modals import SlackModals
from integrations.slack.probe import Probe, probe

__all__ = ["Probe", "SlackApi", "SlackDirectory", "SlackMessenger", "SlackModals", "probe"]
