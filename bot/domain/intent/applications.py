"""What people ask about what runs, and have Argo CD do."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.intent.base import Intent


@dataclass(frozen=True, kw_only=True)
class Status(Intent):
    """`page` counts from 1, of all apps; `unwell`: only apps of which something is not as it should be."""

    app: str = ""
    environment: str = ""
    page: int = 1
    unwell: bool = False


class SyncAction(StrEnum):
    """What Argo CD is to do with one Application."""

    SYNC = "sync"
    """bring out what it follows"""
    REFRESH = "refresh"
    """compare with git now"""
    TERMINATE = "terminate"
    """stop the sync that runs"""


@dataclass(frozen=True, kw_only=True)
class SyncApplication(Intent):
    """`shown`: the hash of what the asker was shown and then pressed; "" = not asked yet. No typed word says so."""

    app: str
    environment: str
    action: SyncAction = SyncAction.SYNC
    shown: str = ""


@dataclass(frozen=True, kw_only=True)
class ShowScan(Intent):
    """`image` is a tag or digest; "" = what `environment` runs ("" = the first environment)."""

    app: str
    environment: str = ""
    image: str = ""
    rescan: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowHistory(Intent):
    """`page` counts from 1, the newest."""

    app: str
    environment: str = ""
    page: int = 1


@dataclass(frozen=True, kw_only=True)
class ShowDora(Intent):
    """`apps` () for all; `since` is a duration ("90d")."""

    apps: tuple[str, ...] = ()
    environment: str = ""
    since: str = "90d"
