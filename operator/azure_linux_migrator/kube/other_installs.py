"""Finds another azlm in the cluster, installed in another namespace, that leads at the moment.

Two of them would each hold a Lease of its own and work on the same migrations. Whether a Lease is
held is judged as in an election: by changes seen within its length, on our own clock.
"""

import asyncio
import time
from typing import Any

from azure_linux_migrator.kube.client import Client

PATH = "/apis/coordination.k8s.io/v1/leases"


async def leading_elsewhere(
    client: Client, namespace: str, name: str, *, interval: float = 1.0
) -> str:
    """The namespace in which another install holds its Lease; empty where none does.

    Answers at once where no other Lease of that name has a holder; otherwise watches it, `interval`
    seconds between looks, for as long as the Lease lasts without being renewed. Raises
    KubernetesError.
    """
    began = time.monotonic()
    first = await _held(client, namespace, name)
    others = first
    while others:
        await asyncio.sleep(interval)
        now = await _held(client, namespace, name)
        for place, lease in now.items():
            if place not in first or _version(lease) != _version(first[place]):
                return place
        waited = time.monotonic() - began
        others = {place: lease for place, lease in now.items() if waited <= _length(lease)}
    return ""


async def _held(client: Client, namespace: str, name: str) -> dict[str, dict[str, Any]]:
    """Leases of that name that have a holder, by their namespace, but for our own."""
    lease = await client.json("GET", PATH, query={"fieldSelector": f"metadata.name={name}"})
    return {
        str(lease["metadata"]["namespace"]): lease
        for lease in lease.get("items") or ()
        if lease["metadata"]["namespace"] != namespace
        and (lease.get("spec") or {}).get("holderIdentity")
    }


def _version(lease: dict[str, Any]) -> str:
    return str(lease["metadata"]["resourceVersion"])


def _length(lease: dict[str, Any]) -> float:
    return float(lease["spec"].get("leaseDurationSeconds") or 15.0)
