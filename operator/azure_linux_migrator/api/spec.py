"""The spec of an AzureLinuxMigration. These models are the one source of the CRD (see crd.py).

A field stands here only once it does something. Defaults live in the CRD, so that what is applied
is what is stored, and a GitOps tool never sees the operator change a spec.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from azure_linux_migrator.api.base_model import Model
from azure_linux_migrator.api.cel_rules import CelRule, RuledModel, matching
from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.fields import PoolName
from azure_linux_migrator.api.spec_drain import Drain, TimeoutPolicy
from azure_linux_migrator.api.spec_strategy import Strategy, StrategyType
from azure_linux_migrator.api.spec_target import Target


class ClusterRef(Model):
    """The AKS cluster whose pool is migrated; without it, the cluster the operator serves."""

    subscription_id: Annotated[
        str,
        Field(
            alias="subscriptionID",
            max_length=36,
            description="The subscription's id, a GUID.",
        ),
        matching(
            r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            "must be a GUID, as az account show --query id prints it",
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


class SourcePool(StrEnum):
    """What becomes of the source pool at the end."""

    DELETE = "Delete"
    SCALE_TO_ZERO = "ScaleToZero"
    KEEP = "Keep"


_NEW_POOL = (
    "nodePool",
    "count",
    "vmSize",
    "autoscaling",
    "zones",
    "labels",
    "taints",
    "tags",
    "maxPods",
    "osDiskSizeGB",
    "osDiskType",
)
"""Fields of the target that only a new pool can have."""


def _new_pool(target: Target) -> list[str]:
    """Those of them that are given."""
    given = target.model_dump(by_alias=True, exclude_none=True)
    return [field for field in _NEW_POOL if field in given]


class Mode(StrEnum):
    """Whether to migrate, or only to report what a migration would do."""

    RUN = "Run"
    PLAN = "Plan"


class Approval(StrEnum):
    """Where an admin's word is waited for: the annotation azlm.dev/approve with this value."""

    AUTOMATIC = "Automatic"
    BEFORE_DRAIN = "BeforeDrain"
    BEFORE_RETIRE = "BeforeRetire"


class FailurePolicy(StrEnum):
    """What to do when the migration cannot continue by itself."""

    PAUSE = "Pause"
    ROLLBACK = "Rollback"


class Preflight(Model):
    """What is known to be wrong and nevertheless wanted."""

    acknowledge: Annotated[
        tuple[Check, ...],
        Field(
            max_length=64,
            description="Ids of preflight checks, as azlm preflight prints them, that no longer "
            "block.",
        ),
    ] = ()


_IS_IN_PLACE = "has(self.strategy) && has(self.strategy.type) && self.strategy.type == 'InPlace'"


def _in_place(spec: "MigrationSpec") -> bool:
    return spec.strategy.type is StrategyType.IN_PLACE


class MigrationSpec(RuledModel):
    """What to move where, and how carefully."""

    rules = (
        CelRule(
            "has(self.cluster) == has(oldSelf.cluster) && "
            "(!has(self.cluster) || self.cluster == oldSelf.cluster)",
            "spec.cluster is immutable; delete this migration and create another",
            path=".cluster",
        ),
        CelRule(
            "!has(self.mode) || self.mode != 'Plan' || "
            "(has(oldSelf.mode) && oldSelf.mode == 'Plan')",
            "spec.mode cannot go back to Plan; set spec.paused, or run azlm plan",
            path=".mode",
        ),
        CelRule(
            "self.source == oldSelf.source",
            "spec.source is immutable; delete this migration and create another",
            path=".source",
        ),
        CelRule(
            "(has(self.target) && has(self.target.nodePool)) == "
            "(has(oldSelf.target) && has(oldSelf.target.nodePool)) && "
            "(!has(self.target) || !has(self.target.nodePool) || "
            "self.target.nodePool == oldSelf.target.nodePool)",
            "spec.target.nodePool is immutable; delete this migration and create another",
            path=".target.nodePool",
        ),
        CelRule(
            "!has(self.target) || !has(self.target.nodePool) || "
            "self.target.nodePool != self.source.nodePool",
            "spec.target.nodePool must differ from spec.source.nodePool: BlueGreen and "
            "Rolling create a second pool; leave it out to have a name chosen",
            lambda spec: spec.target.node_pool != spec.source.node_pool,
            ".target.nodePool",
        ),
        CelRule(
            f"!({_IS_IN_PLACE}) || !has(self.target) || "
            f"!({' || '.join(f'has(self.target.{field})' for field in _NEW_POOL)})",
            "with spec.strategy.type InPlace AKS changes the source pool itself: only "
            "spec.target.osSKU and spec.target.securityProfile can be given",
            lambda spec: not (_in_place(spec) and _new_pool(spec.target)),
            ".target",
        ),
        CelRule(
            f"!({_IS_IN_PLACE}) || !has(self.onFailure) || self.onFailure != 'Rollback'",
            "with spec.strategy.type InPlace there is no second pool to go back to: set "
            "spec.onFailure to Pause",
            lambda spec: not (_in_place(spec) and spec.on_failure is FailurePolicy.ROLLBACK),
            ".onFailure",
        ),
        CelRule(
            f"!({_IS_IN_PLACE}) || !has(self.sourcePool) || self.sourcePool == 'Delete'",
            "with spec.strategy.type InPlace the source pool itself gets the new OS and nothing is "
            "retired: leave spec.sourcePool out",
            lambda spec: not (_in_place(spec) and spec.source_pool is not SourcePool.DELETE),
            ".sourcePool",
        ),
        CelRule(
            f"!({_IS_IN_PLACE}) || !has(self.drain) || !has(self.drain.onTimeout) || "
            "self.drain.onTimeout == 'Pause'",
            "with spec.strategy.type InPlace AKS drains the nodes, by its own timeout: leave "
            "spec.drain.onTimeout out",
            lambda spec: not (_in_place(spec) and spec.drain.on_timeout is not TimeoutPolicy.PAUSE),
            ".drain.onTimeout",
        ),
        CelRule(
            "(has(self.strategy) && has(self.strategy.type) ? self.strategy.type : "
            "'BlueGreen') == (has(oldSelf.strategy) && has(oldSelf.strategy.type) ? "
            "oldSelf.strategy.type : 'BlueGreen')",
            "spec.strategy.type is immutable; delete this migration and create another",
            path=".strategy.type",
        ),
    )

    mode: Annotated[
        Mode,
        Field(
            description="Plan changes nothing: it checks and forecasts, and reports in the status "
            "what a migration would do. Set it to Run to begin."
        ),
    ] = Mode.RUN
    cluster: ClusterRef | None = None
    source: Source
    target: Target = Target()
    strategy: Strategy = Strategy()
    drain: Drain = Drain()
    source_pool: Annotated[
        SourcePool,
        Field(description="What becomes of the drained source pool after the final soak."),
    ] = SourcePool.DELETE
    preflight: Preflight = Preflight()
    approval: Annotated[
        Approval,
        Field(
            description="Wait for the annotation azlm.dev/approve before pods are moved "
            "(BeforeDrain) or before the source pool is retired (BeforeRetire)."
        ),
    ] = Approval.AUTOMATIC
    on_failure: Annotated[
        FailurePolicy,
        Field(
            description="When a step cannot continue by itself, until the source is retired: Pause "
            "stalls and waits for an admin, Rollback moves everything back to the source pool."
        ),
    ] = FailurePolicy.PAUSE
    paused: Annotated[
        bool,
        Field(description="Start nothing new; operations that have begun run to completion."),
    ] = False
