"""What people hear of promotions: cards kept up to date, and notifications that are neither lost nor doubled."""

from bot.notify.announcer import Announcer
from bot.notify.cards import Cards
from bot.notify.messages import Bulletins
from bot.notify.outbox import Outbox

__all__ = ["Announcer", "Bulletins", "Cards", "Outbox"]
