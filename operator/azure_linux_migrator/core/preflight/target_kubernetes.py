"""The Kubernetes version of the target: the source's, or a later patch where that is withdrawn."""

from azure_linux_migrator.core.preflight.target_os import minor
from azure_linux_migrator.model.azure_facts import AzureFacts, ClusterFacts, Unread
from azure_linux_migrator.model.pool import Pool


def target_kubernetes(source: Pool, facts: AzureFacts) -> str | None:
    """The source's version while AKS offers it for new pools, else the newest patch of its minor
    that is offered and not newer than the control plane; None where there is none.

    What names no patch is an alias, which AKS resolves. Without a list the source's version is all
    that is known; empty where not even that is.
    """
    own, offered = source.settings.kubernetes_version, facts.versions
    if isinstance(offered, Unread) or not offered or own in offered or own.count(".") < 2:
        return own
    plane = control_plane(facts)
    patches = [
        version
        for version in offered
        if minor(version) == minor(own) and (not plane or _numbers(version) <= _numbers(plane))
    ]
    return max(patches, key=_numbers, default=None)


def control_plane(facts: AzureFacts) -> str:
    """The control plane's version; empty where it was not read."""
    return facts.cluster.kubernetes_version if isinstance(facts.cluster, ClusterFacts) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))
