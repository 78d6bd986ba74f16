"""What other systems tell us: GitHub, Harbor, Alertmanager and Tekton. Answered at once, worked on later."""

from bot.webhooks.alertmanager import AlertmanagerWebhook
from bot.webhooks.assembly import Needs, Webhooks, open_webhooks
from bot.webhooks.github import GitHubWebhook
from bot.webhooks.harbor import HarborWebhook
from bot.webhooks.tekton import TektonWebhook

__all__ = [
    "AlertmanagerWebhook",
    "GitHubWebhook",
    "HarborWebhook",
    "Needs",
    "TektonWebhook",
    "Webhooks",
    "open_webhooks",
]
