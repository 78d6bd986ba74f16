"""Who in Slack has written a commit."""

from dataclasses import dataclass

from bot.domain.authorship import owner_of
from bot.domain.caller import Permission, Target
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
        if not email:
            return ""
        try:
            caller = await self.directory.by_email(owner_of(email, self.policy.people) or email)
        except NotFound:
            return ""
        allowed = may(self.policy, caller, Permission.VIEW, target)
        return caller.id if allowed and not caller.foreign else ""
