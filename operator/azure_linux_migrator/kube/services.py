"""Services that nodes of another OS may not serve; read once, for the preflight."""

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.model.azure_facts import Unread


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
            f"{each['metadata']['namespace']}/{each['metadata']['name']}"
            for each in listed["items"]
            if each["spec"].get("type") == "LoadBalancer"
            and "IPv6" in (each["spec"].get("ipFamilies") or ())
            and each["spec"].get("externalTrafficPolicy", "Cluster") == "Cluster"
        )
    )
