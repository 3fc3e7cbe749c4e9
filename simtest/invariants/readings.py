"""What a status, a pod and a node mean to the judges, without calling the product."""

from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.model.cluster import Node, Pod
from simtest.scenario import NAME


def starts_again(old: MigrationStatus, new: MigrationStatus) -> bool:
    """Whether a changed spec has started another attempt after a rollback."""
    ended = old.phase == Phase.ROLLED_BACK
    return ended and (new.phase not in {Phase.ROLLED_BACK, Phase.DELETING})


def leaves(pod: Pod) -> bool:
    """Whether a pod has to leave before its node is removed."""
    if pod.mirror or pod.finished:
        return False
    return pod.owner is None or pod.owner.kind != "DaemonSet"


def counts(pod: Pod) -> bool:
    """Whether a pod is healthy, as budgets count."""
    return pod.ready and not pod.terminating and not pod.finished


def in_batch(node: Node) -> int:
    """The batch in azlm's mark of a node; 0 for none."""
    owner, _, index = node.batch.rpartition(".")
    name, _, uid = owner.rpartition(".")
    ours = name == NAME and uid.startswith(f"uid-{NAME}")
    return int(index) if ours and index.isdecimal() else 0
