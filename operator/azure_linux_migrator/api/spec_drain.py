"""spec.drain: how pods are moved."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from azure_linux_migrator.api.base_model import Model
from azure_linux_migrator.api.cel_rules import CelRule, RuledModel
from azure_linux_migrator.api.fields import (
    LABEL_KEYS,
    Duration,
    LabelKey,
    LabelValue,
    Namespace,
)


class UnmanagedPolicy(StrEnum):
    """What to do with a pod that no controller would replace."""

    BLOCK = "Block"
    WAIT = "Wait"
    EVICT = "Evict"


class EmptyDirPolicy(StrEnum):
    """What to do with a pod whose emptyDir data would be lost."""

    EVICT = "Evict"
    BLOCK = "Block"


class JobPolicy(StrEnum):
    """What to do with a pod of a controller that runs to completion."""

    WAIT = "Wait"
    EVICT = "Evict"


class TimeoutPolicy(StrEnum):
    """What to do when a batch was not drained in time."""

    PAUSE = "Pause"
    ROLLBACK = "Rollback"
    FORCE = "Force"


class SingletonPolicy(StrEnum):
    """How a single replica, or one whose budget never allows a disruption, is moved."""

    EVICT = "Evict"
    SURGE_FIRST = "SurgeFirst"


class ImplicitBudgetPolicy(StrEnum):
    """Whether replicas without a disruption budget are moved as if they had one."""

    KEEP = "Keep"
    IGNORE = "Ignore"


class ReplacementPolicy(StrEnum):
    """What to do while moved pods do not come back Ready."""

    HOLD = "Hold"
    IGNORE = "Ignore"


class PodSelectorTerm(RuledModel):
    """One matchExpressions entry of a label selector."""

    rules = (
        CelRule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "In and NotIn need at least one value, Exists and DoesNotExist take none",
            lambda term: (term.operator in {"In", "NotIn"}) == bool(term.values),
            ".values",
        ),
    )

    key: Annotated[LabelKey, Field(description="The label's key.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"],
        Field(description="How the label's value relates to the values."),
    ]
    values: Annotated[
        tuple[LabelValue, ...], Field(max_length=32, description="For In and NotIn; else empty.")
    ] = ()


class PodSelector(Model):
    """A label selector; empty selects every pod."""

    match_labels: Annotated[
        dict[str, LabelValue] | None,
        Field(max_length=32, description="Labels that a pod must have."),
        LABEL_KEYS,
    ] = None
    match_expressions: Annotated[
        tuple[PodSelectorTerm, ...], Field(max_length=16, description="Terms that must all hold.")
    ] = ()


class OrderRule(Model):
    """Pods that leave earlier or later than others."""

    selector: Annotated[PodSelector, Field(description="The pods, by label; {} selects every pod.")]
    namespaces: Annotated[
        tuple[Namespace, ...],
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
            description="Pods without a controller: Block stops before anything is touched, Wait "
            "lets those that run to completion (restartPolicy Never or OnFailure) do so and blocks "
            "the others, Evict lets all of them go for good."
        ),
    ] = UnmanagedPolicy.BLOCK
    empty_dir: Annotated[
        EmptyDirPolicy,
        Field(description="Pods with emptyDir volumes, whose data does not move with them."),
    ] = EmptyDirPolicy.EVICT
    jobs: Annotated[
        JobPolicy,
        Field(
            description="Pods that run to completion: those of Jobs, and of any other controller "
            "with restartPolicy Never or OnFailure. Wait lets them, Evict stops them; a Job starts "
            "them again, most other controllers do not."
        ),
    ] = JobPolicy.WAIT

    timeout: Annotated[
        Duration,
        Field(
            description="How long one batch may take to drain, without the time in which the "
            "migration was paused or no operator ran. When it is over spec.drain.onTimeout says "
            "what happens; a larger value goes on. 0 means no limit."
        ),
    ] = "30m"
    on_timeout: Annotated[
        TimeoutPolicy,
        Field(
            description="When the time is over: Pause evicts nothing more, stalls and names what "
            "blocks; Rollback moves everything back to the source pool; Force goes on evicting "
            "what it can and deletes what has no slot, with its grace and against its budget."
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
    implicit_budgets: Annotated[
        ImplicitBudgetPolicy,
        Field(
            description="Replicas without a PodDisruptionBudget: Keep moves at most their "
            "Deployment's maxUnavailable (else a tenth, at least one) at a time, Ignore all of a "
            "batch at once."
        ),
    ] = ImplicitBudgetPolicy.KEEP
    unhealthy_replacements: Annotated[
        ReplacementPolicy,
        Field(
            description="When pods that replace moved ones are not made, fail again and again, or "
            "are not Ready after five minutes (or three times what their predecessors took): Hold "
            "moves nothing more until they are, at most for spec.drain.timeout, Ignore goes on."
        ),
    ] = ReplacementPolicy.HOLD
    singletons: Annotated[
        SingletonPolicy,
        Field(
            description="Deployments with one replica, or with a budget that never allows a "
            "disruption: SurgeFirst starts a second replica first, Evict does not."
        ),
    ] = SingletonPolicy.EVICT
