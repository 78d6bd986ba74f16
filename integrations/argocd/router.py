"""Several Argo CDs as one: each environment's is asked for its own Applications."""

from collections.abc import AsyncIterator, Iterable, Mapping

from bot.domain.application import Application, ApplicationRef, ResourceHealth, SyncPermission
from bot.domain.drift import Drift
from integrations.argocd.client import ArgoCD


class ArgoCDs:
    """The ports of ArgoCD, by environment. `default` serves the environments that `by_environment` does not name."""

    def __init__(self, default: ArgoCD, by_environment: Mapping[str, ArgoCD] | None = None) -> None:
        self._default = default
        self._by_environment = dict(by_environment or {})

    def of(self, environment: str) -> ArgoCD:
        return self._by_environment.get(environment, self._default)

    async def get(self, ref: ApplicationRef) -> Application:
        return await self.of(ref.environment).get(ref)

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        served: dict[ArgoCD, dict[str, None]] = {}
        for environment in environments:
            served.setdefault(self.of(environment), {})[environment] = None
        return tuple(tuple(names) for names in served.values())

    async def overview(self, environment: str) -> tuple[Application, ...]:
        return await self.of(environment).overview(environment)

    async def refresh(self, ref: ApplicationRef) -> Application:
        return await self.of(ref.environment).refresh(ref)

    async def sync(self, ref: ApplicationRef, revision: str) -> None:
        await self.of(ref.environment).sync(ref, revision)

    async def terminate(self, ref: ApplicationRef) -> bool:
        return await self.of(ref.environment).terminate(ref)

    async def drift(self, ref: ApplicationRef) -> tuple[Drift, ...]:
        return await self.of(ref.environment).drift(ref)

    async def unhealthy(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...]:
        return await self.of(ref.environment).unhealthy(ref)

    async def permission(self, ref: ApplicationRef) -> SyncPermission:
        return await self.of(ref.environment).permission(ref)

    async def subscribed(self, environment: str, project: str) -> tuple[tuple[str, str], ...]:
        return await self.of(environment).subscribed(environment, project)

    def changes(self, environment: str) -> AsyncIterator[Application]:
        return self.of(environment).changes(environment)

    def silence(self, environment: str) -> float:
        return self.of(environment).silence(environment)

    def current(self, environment: str) -> bool:
        return self.of(environment).current(environment)

    async def aclose(self) -> None:
        for argocd in dict.fromkeys((self._default, *self._by_environment.values())):
            await argocd.aclose()
