"""Who in Slack has written a commit."""

from dataclasses import dataclass

from bot.domain.authorship import owner_of
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import NotFound
from bot.policy import Policy, may
from bot.ports import Directory


@dataclass(frozen=True)
class Authors:
    policy: Policy
    directory: Directory

    async def user(self, email: str, target: Target) -> str:
        """The Slack id of who has that address, or commits with it by the policy's `people`, if they may view the app.

        "" for nobody. Raises IntegrationError.

        An address in a commit is what its maker typed: nobody is told of an app, or named, who may not view it.
        """
        return self.allowed(await self.who(email), target) if email else ""

    async def who(self, email: str) -> Caller | None:
        """Whoever has that address. Raises IntegrationError."""
        try:
            return await self.directory.by_email(owner_of(email, self.policy.people) or email)
        except NotFound:
            return None

    def allowed(self, author: Caller | None, target: Target) -> str:
        """Their id, if they may view the app; else ""."""
        seen = author and not author.foreign and may(self.policy, author, Permission.VIEW, target)
        return author.id if author and seen else ""
