"""A cluster and its node pools at one moment: what a forecast starts from."""

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Struct, structs

from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    BudgetRule,
    Controller,
    Node,
    Pod,
    Volume,
)
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import SchedulingConstraints
from azure_linux_migrator.model.sensitivity import Identifier, NodeName, Sensitivity, TaintText

VERSION = 6


class ClusterSnapshot(Struct):
    """`labels` and `taints` are the nodes', by name; `boots` tells how long each took from its
    Node object to Ready, in seconds; `scheduling` are the constraints of pods, by their owner's
    uid; `rules` belong to `budgets`, in their order; `scheduled` holds when pods got their nodes,
    by uid, as far as it is known; `unseen` what could not be read, and why."""

    taken_at: float
    nodes: list[Node] = []
    labels: dict[NodeName, Annotated[dict[str, str], Sensitivity.LABELS]] = {}
    taints: dict[NodeName, list[TaintText]] = {}
    boots: dict[NodeName, float] = {}
    pods: list[Pod] = []
    scheduling: dict[Identifier, SchedulingConstraints] = {}
    budgets: list[Budget] = []
    rules: list[BudgetRule] = []
    controllers: list[Controller] = []
    volumes: list[Volume] = []
    attachments: list[Attachment] = []
    scheduled: dict[Identifier, float] = {}
    pools: list[Pool] = []
    azure_facts: Annotated[dict[str, Any], Sensitivity.AZURE_FACTS] = {}
    unseen: list[Annotated[str, Sensitivity.UNREAD_LIST]] = []
    redacted: bool = False
    version: int = VERSION

    def placed_pods(self) -> Iterator[Pod]:
        """The pods, each with where it may land."""
        for pod in self.pods:
            scheduling = self.scheduling.get(
                pod.owner.uid if pod.owner else pod.uid, pod.scheduling
            )
            yield structs.replace(pod, scheduling=scheduling)

    def labelled_nodes(self) -> Iterator[Node]:
        """The nodes, each with its labels and the taints that keep pods away."""
        for node in self.nodes:
            labels = tuple(sorted(self.labels.get(node.name, {}).items()))
            taints = tuple(
                text
                for text in self.taints.get(node.name, ())
                if not text.endswith(":PreferNoSchedule")
            )
            yield structs.replace(node, labels=labels or node.labels, taints=taints or node.taints)
