"""Who hears of what. Nothing else decides which channels, which people and which subscribers do."""

from bot.notify.audience.channels import (
    by_name,
    card_channel,
    heard_already,
    is_loud,
    of_change,
    of_deed,
    of_promotion,
    of_webhook,
)
from bot.notify.audience.people import (
    administrator_ids,
    administrators,
    approvers,
    approving,
    everything_administrators,
    of_trouble,
    persons,
    reviewers,
    told_to_the_author,
)
from bot.notify.audience.subscribers import Audience, Listeners

__all__ = [
    "Audience",
    "Listeners",
    "administrator_ids",
    "administrators",
    "approvers",
    "approving",
    "by_name",
    "card_channel",
    "everything_administrators",
    "heard_already",
    "is_loud",
    "of_change",
    "of_deed",
    "of_promotion",
    "of_trouble",
    "of_webhook",
    "persons",
    "reviewers",
    "told_to_the_author",
]
