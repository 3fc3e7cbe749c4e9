"""What the preflight reads of Kubernetes once: services, webhooks that answer evictions, the
autoscaler's priority expander, and whether the cluster is in Azure at all."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import yaml

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.node_resource_group import node_resource_group_of
from azure_linux_migrator.model.azure_facts import AzureFacts, Priority, Unread
from azure_linux_migrator.model.cluster import AZURE_LOCAL

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_EXPANDER_NAME = "cluster-autoscaler-priority-expander"
_EXPANDER = f"/api/v1/namespaces/kube-system/configmaps/{_EXPANDER_NAME}"


async def with_kubernetes(client: Client, facts: AzureFacts) -> AzureFacts:
    """The facts, completed with what only Kubernetes can tell."""
    services, webhooks, priorities = await asyncio.gather(
        dual_stack_services(client), eviction_webhooks(client), expander_priorities(client)
    )
    return replace(facts, services=services, webhooks=webhooks, priorities=priorities)


async def expander_priorities(client: Client) -> tuple[Priority, ...] | Unread:
    """The entries of the ConfigMap that the expander reads (kubernetes/autoscaler,
    cluster-autoscaler/expander/priority/readme.md); none where there is no such ConfigMap."""
    try:
        answer = await client.json("GET", _EXPANDER)
    except KubernetesError as error:
        if error.status == 404:
            return ()
        if error.status == 403:
            return Unread(f"the operator's ServiceAccount may not read ConfigMap {_EXPANDER_NAME}")
        return Unread(f"reading ConfigMap {_EXPANDER_NAME} failed: {error.message}")
    try:
        entries = yaml.safe_load((answer.get("data") or {}).get("priorities") or "") or {}
        return _priorities(entries)
    except (yaml.YAMLError, AttributeError, TypeError, ValueError):
        return Unread(f"ConfigMap {_EXPANDER_NAME} was not understood")


def _priorities(entries: Mapping[object, object]) -> tuple[Priority, ...]:
    """The highest first. Raises TypeError where the patterns of an entry are no list."""
    priorities = []
    for value, patterns in entries.items():
        if not isinstance(patterns, list):
            raise TypeError(f"the patterns of {value} are no list")
        priorities += [Priority(int(str(value)), str(pattern)) for pattern in patterns]
    return tuple(sorted(priorities, key=lambda entry: -entry.value))


async def on_azure_local(client: Client) -> bool:
    """Whether the cluster is AKS enabled by Azure Arc, by its first node."""
    listed = await client.json("GET", "/api/v1/nodes", query={"limit": "1"})
    ids = (str((node.get("spec") or {}).get("providerID") or "") for node in listed["items"])
    return any(node_resource_group_of(id_, "") == AZURE_LOCAL for id_ in ids)


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
