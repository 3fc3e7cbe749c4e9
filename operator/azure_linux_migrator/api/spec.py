"""The spec of an AzureLinuxMigration. These models are the one source of the CRD (see crd.py).

A field stands here only once it does something. Defaults live in the CRD, so that what is applied
is what is stored, and a GitOps tool never sees the operator change a spec.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from azure_linux_migrator.api.fields import Duration, OsSku, PoolName, VmSize, rules, worded
from azure_linux_migrator.api.quantities import SIZE_PATTERN


class Model(BaseModel):
    """Frozen, strict about unknown fields, camelCase on the wire."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class ClusterRef(Model):
    """The AKS cluster whose pool is migrated; without it, the cluster the operator serves."""

    subscription_id: Annotated[
        str,
        Field(
            alias="subscriptionID",
            max_length=36,
            pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            json_schema_extra=worded("must be a GUID, as az account show --query id prints it"),
            description="The subscription's id, a GUID.",
        ),
    ]
    resource_group: Annotated[
        str,
        Field(
            min_length=1,
            max_length=90,
            description="The cluster's resource group (not the MC_ one of its nodes).",
        ),
    ]
    name: Annotated[str, Field(min_length=1, max_length=63, description="The cluster's name.")]


class Source(Model):
    """The pool to move away from."""

    node_pool: Annotated[PoolName, Field(description="Name of the node pool to migrate.")]


class Target(Model):
    """The Azure Linux pool to move to. What is not given is copied from the source pool."""

    node_pool: Annotated[
        PoolName | None,
        Field(
            description="Name of the pool to create. Default: the source's name, shortened where "
            "needed, followed by `azl`."
        ),
    ] = None
    os_sku: Annotated[
        OsSku,
        Field(
            alias="osSKU",
            description="AKS OS SKU: AzureLinux, AzureLinux3, AzureContainerLinux, or a newer one.",
        ),
    ] = "AzureLinux"
    count: Annotated[
        int | None,
        Field(ge=1, le=1000, description="Nodes in the target pool. Default: as the source has."),
    ] = None
    vm_size: Annotated[
        VmSize | None,
        Field(
            alias="vmSize",
            description="VM size of the target pool. Default: the source's.",
        ),
    ] = None


class Batch(Model):
    """How many source nodes are drained together, and how long to watch before the next ones."""

    size: Annotated[
        int | str,
        Field(
            description="Nodes per batch: a number, or a percentage of the source pool, rounded "
            "up.",
            json_schema_extra={
                "x-kubernetes-int-or-string": True,
                **rules(
                    (
                        "type(self) == int ? (self >= 1 && self <= 1000) : "
                        "(string(self).matches('" + SIZE_PATTERN + "') && "
                        "(string(self).endsWith('%') || int(string(self)) <= 1000))",
                        "must be a number of nodes from 1 to 1000, or a percentage from 1% to 100%",
                    )
                ),
            },
        ),
    ] = "10%"
    soak: Annotated[
        Duration, Field(description="How long to wait after a drained batch before the next.")
    ] = "15m"


class StrategyType(StrEnum):
    """How nodes are replaced."""

    BLUE_GREEN = "BlueGreen"


class Strategy(Model):
    """BlueGreen: the whole target pool first, then the source pool batch by batch."""

    type: Annotated[
        StrategyType,
        Field(description="BlueGreen creates the whole target pool before anything moves."),
    ] = StrategyType.BLUE_GREEN
    batch: Batch = Batch()
    final_soak: Annotated[
        Duration,
        Field(
            description="How long the drained source pool is kept before it is retired; until "
            "then it can be uncordoned and used again."
        ),
    ] = "60m"


class UnmanagedPolicy(StrEnum):
    """What to do with a pod that no controller would replace."""

    BLOCK = "Block"
    EVICT = "Evict"


class EmptyDirPolicy(StrEnum):
    """What to do with a pod whose emptyDir data would be lost."""

    EVICT = "Evict"
    BLOCK = "Block"


class JobPolicy(StrEnum):
    """What to do with a pod of a running Job."""

    WAIT = "Wait"
    EVICT = "Evict"


class TimeoutPolicy(StrEnum):
    """What to do when a batch was not drained in time."""

    PAUSE = "Pause"
    ROLLBACK = "Rollback"
    FORCE = "Force"


class SingletonPolicy(StrEnum):
    """How a single replica, or one that its budget never lets go, is moved."""

    EVICT = "Evict"
    SURGE_FIRST = "SurgeFirst"


Text = Annotated[str, Field(max_length=63, description="A label's value, or a namespace.")]


class Expression(Model):
    """One matchExpressions entry of a label selector."""

    key: Annotated[str, Field(min_length=1, max_length=317, description="The label's key.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"],
        Field(description="How the label's value relates to the values."),
    ]
    values: Annotated[
        tuple[Text, ...], Field(max_length=32, description="For In and NotIn; else empty.")
    ] = ()


class LabelSelector(Model):
    """A label selector; empty selects every pod."""

    match_labels: Annotated[
        dict[str, Text] | None,
        Field(max_length=32, description="Labels that a pod must have."),
    ] = None
    match_expressions: Annotated[
        tuple[Expression, ...], Field(max_length=16, description="Terms that must all hold.")
    ] = ()


class OrderRule(Model):
    """Pods that leave earlier or later than others."""

    selector: Annotated[
        LabelSelector, Field(description="The pods, by label; {} selects every pod.")
    ]
    namespaces: Annotated[
        tuple[Text, ...],
        Field(max_length=32, description="Only in these namespaces; all where empty."),
    ] = ()
    order: Annotated[
        int,
        Field(
            ge=-1000,
            le=1000,
            description="Lower leaves first; pods that no rule selects have 0. Nothing of a higher "
            "order is evicted while a pod of a lower one is left in the batch.",
        ),
    ]


class Drain(Model):
    """How pods are moved."""

    unmanaged_pods: Annotated[
        UnmanagedPolicy,
        Field(
            description="Pods without a controller: Block stops before anything is touched, Evict "
            "lets them go for good."
        ),
    ] = UnmanagedPolicy.BLOCK
    empty_dir: Annotated[
        EmptyDirPolicy,
        Field(description="Pods with emptyDir volumes, whose data does not move with them."),
    ] = EmptyDirPolicy.EVICT
    jobs: Annotated[
        JobPolicy,
        Field(description="Pods of Jobs: Wait lets them end by themselves, Evict restarts them."),
    ] = JobPolicy.WAIT

    timeout: Annotated[
        Duration,
        Field(
            description="How long one batch may take to drain. When it is over no further pod is "
            "evicted and the migration stalls, naming what blocks it; a larger value goes on. 0 "
            "means no limit."
        ),
    ] = "30m"
    on_timeout: Annotated[
        TimeoutPolicy,
        Field(
            description="When the time is over: Pause evicts nothing more and waits, Rollback also "
            "uncordons what this migration cordoned, Force deletes the pods that are left, with "
            "their grace and against their budgets."
        ),
    ] = TimeoutPolicy.PAUSE
    order: Annotated[
        tuple[OrderRule, ...],
        Field(max_length=20, description="Which pods leave first; the first rule that matches."),
    ] = ()
    prefetch: Annotated[
        bool,
        Field(
            description="Let budgets that are idle move pods of cordoned nodes outside the batch: "
            "faster, but the batch no longer bounds what is touched."
        ),
    ] = False
    singletons: Annotated[
        SingletonPolicy,
        Field(
            description="Deployments with one replica, or with a budget that never allows a "
            "disruption: SurgeFirst starts a second replica first, Evict does not."
        ),
    ] = SingletonPolicy.EVICT


class SourcePool(StrEnum):
    """What becomes of the source pool at the end."""

    DELETE = "Delete"
    SCALE_TO_ZERO = "ScaleToZero"
    KEEP = "Keep"


class MigrationSpec(Model):
    """What to move where, and how carefully."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "has(self.cluster) == has(oldSelf.cluster) && "
                    "(!has(self.cluster) || self.cluster == oldSelf.cluster)"
                ),
                "spec.cluster is immutable; delete this migration and create another",
                ".cluster",
            ),
            (
                "self.source == oldSelf.source",
                "spec.source is immutable; delete this migration and create another",
                ".source",
            ),
            (
                (
                    "(has(self.target) && has(self.target.nodePool)) == "
                    "(has(oldSelf.target) && has(oldSelf.target.nodePool)) && "
                    "(!has(self.target) || !has(self.target.nodePool) || "
                    "self.target.nodePool == oldSelf.target.nodePool)"
                ),
                "spec.target.nodePool is immutable; delete this migration and create another",
                ".target.nodePool",
            ),
            (
                (
                    "!has(self.target) || !has(self.target.nodePool) || "
                    "self.target.nodePool != self.source.nodePool"
                ),
                (
                    "spec.target.nodePool must differ from spec.source.nodePool: BlueGreen creates "
                    "a second pool; leave it out to have a name chosen"
                ),
                ".target.nodePool",
            ),
        )
    )

    cluster: ClusterRef | None = None
    source: Source
    target: Target = Target()
    strategy: Strategy = Strategy()
    drain: Drain = Drain()
    source_pool: Annotated[
        SourcePool,
        Field(description="What becomes of the drained source pool after the final soak."),
    ] = SourcePool.DELETE
    paused: Annotated[
        bool,
        Field(description="Start nothing new; what Azure or the cluster already does, ends."),
    ] = False


ApiVersion = Literal["azlm.dev/v1alpha1"]
