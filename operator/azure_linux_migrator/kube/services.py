"""What the preflight reads of Kubernetes once: services, and webhooks that answer evictions."""

import asyncio
from dataclasses import replace

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.model.azure_facts import AzureFacts, Unread

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"


async def with_kubernetes(client: Client, facts: AzureFacts) -> AzureFacts:
    """The facts, completed with what only Kubernetes can tell."""
    services, webhooks = await asyncio.gather(
        dual_stack_services(client), eviction_webhooks(client)
    )
    return replace(facts, services=services, webhooks=webhooks)


async def eviction_webhooks(client: Client) -> tuple[str, ...] | Unread:
    """Names of the webhooks whose rules name pods/eviction: not those that match everything."""
    kinds = ("validating", "mutating")
    try:
        lists = [
            await client.json("GET", f"{_ADMISSION}/{kind}webhookconfigurations") for kind in kinds
        ]
    except KubernetesError as error:
        if error.status == 403:
            return Unread("the operator's ServiceAccount may not list webhook configurations")
        return Unread(f"listing webhook configurations failed: {error.message}")
    return tuple(
        sorted(
            {
                configuration["metadata"]["name"]
                for listed in lists
                for configuration in listed["items"]
                for webhook in configuration.get("webhooks") or ()
                for rule in webhook.get("rules") or ()
                if "pods/eviction" in (rule.get("resources") or ())
            }
        )
    )


async def dual_stack_services(client: Client) -> tuple[str, ...] | Unread:
    """IPv6 or dual-stack LoadBalancer services with externalTrafficPolicy Cluster, by name."""
    try:
        listed = await client.json("GET", "/api/v1/services")
    except KubernetesError as error:
        if error.status == 403:
            return Unread("the operator's ServiceAccount may not list services")
        return Unread(f"listing services failed: {error.message}")
    return tuple(
        sorted(
            f"{service['metadata']['namespace']}/{service['metadata']['name']}"
            for service in listed["items"]
            if service["spec"].get("type") == "LoadBalancer"
            and "IPv6" in (service["spec"].get("ipFamilies") or ())
            and service["spec"].get("externalTrafficPolicy", "Cluster") == "Cluster"
        )
    )
