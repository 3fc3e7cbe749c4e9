"""The Kubernetes version of the target: the source's, or a later patch where that is withdrawn."""

from azure_linux_migrator.core.preflight.target_os import minor
from azure_linux_migrator.model.azure_facts import AzureFacts, ClusterFacts, Unread
from azure_linux_migrator.model.pool import Pool


def target_kubernetes(source: Pool, facts: AzureFacts) -> str | None:
    """The orchestratorVersion to ask for; None where AKS offers none that goes with the source's.

    A source that asks for an alias such as `1.34` has its new pool ask for it too: AKS makes the
    newest patch of it. Where that is newer than the control plane's, which AKS refuses, and where a
    source's patch is withdrawn, it is the newest offered patch of that minor version up to the
    control plane's. Without a list the source's own is all that is known; empty where not even that
    is (learn.microsoft.com/azure/aks/supported-kubernetes-versions, alias minor version).
    """
    settings = source.settings
    own, alias = settings.kubernetes_version, settings.kubernetes_alias
    if isinstance(facts.versions, Unread) or not facts.versions or not own:
        return alias or own
    newest, usable = newest_patch(own, facts), newest_patch(own, facts, control_plane(facts))
    if alias:
        return alias if newest == usable and newest else usable
    return own if own in facts.versions else usable


def newest_patch(version: str, facts: AzureFacts, most: str = "") -> str | None:
    """The newest patch of a version's minor that AKS offers, up to `most` if that is known."""
    offered = () if isinstance(facts.versions, Unread) else facts.versions
    patches = [
        patch
        for patch in offered
        if minor(patch) == minor(version) and (not most or _numbers(patch) <= _numbers(most))
    ]
    return max(patches, key=_numbers, default=None)


def control_plane(facts: AzureFacts) -> str:
    """The control plane's version; empty where it was not read."""
    return facts.cluster.kubernetes_version if isinstance(facts.cluster, ClusterFacts) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))
