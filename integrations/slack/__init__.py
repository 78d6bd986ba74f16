"""Slack: its Web API for people (Directory), messages (Messenger), modals (Modals); and Socket Mode."""

from integrations.slack.api import SlackApi
from integrations.slack.directory import SlackDirectory
from integrations.slack.messenger import SlackMessenger
from integrations.slack.modals import SlackModals
from integrations.slack.probe import Probe, probe
from integrations.slack.socket_mode import SocketMode

__all__ = ["Probe", "SlackApi", "SlackDirectory", "SlackMessenger", "SlackModals", "SocketMode", "probe"]
