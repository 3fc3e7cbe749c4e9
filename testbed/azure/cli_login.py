"""Tokens of the login of the Azure CLI."""

import asyncio
import time

from azure.core.credentials import AccessToken
from azure.identity.aio import AzureCliCredential

from azure_linux_migrator.azure.identity import Cloud

SPARE_SECONDS = 300
"""A token is replaced this long before it expires."""


class CliLogin:
    """Gives tokens for a subscription's tenant. Each is kept until shortly before it expires: the
    credential itself starts `az` for every token."""

    def __init__(self, cloud: Cloud, subscription: str) -> None:
        self._scope = cloud.scope
        self._credential = AzureCliCredential(subscription=subscription, process_timeout=60)
        self._kept: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """A token that is valid for some minutes; raises azure.core's AzureError."""
        async with self._lock:
            if self._kept is None or time.time() > self._kept.expires_on - SPARE_SECONDS:
                self._kept = await self._credential.get_token(self._scope)
            return self._kept.token
