"""What the apiserver's answer to an eviction means, and when to try again.

The answers are those of pkg/registry/core/pod/storage/eviction.go and of the apiserver's filters;
several causes share a status code, and blaming the wrong one sends an admin to the wrong place.

An eviction passes authentication, flow control, authorization and admission before the apiserver
looks at the pod; only from there on does an answer show what an earlier, lost one has done.
"""

from dataclasses import dataclass
from enum import StrEnum

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.errors import LONGEST_ASKED, KubernetesError


class EvictionResult(StrEnum):
    """The meaning of an answer. SERVER: it may have been carried out all the same."""

    GRANTED = "granted"
    GONE = "gone"
    SUCCESSOR = "successor"
    CONFLICT = "conflict"
    BUDGET = "budget"
    THROTTLED = "throttled"
    TWO_BUDGETS = "two_budgets"
    WEBHOOK = "webhook"
    """A webhook or policy denies this eviction, perhaps only for now."""
    WEBHOOK_FAILED = "webhook_failed"
    """A webhook does not answer."""
    NAMESPACE_TERMINATING = "namespace_terminating"
    FORBIDDEN = "forbidden"
    NEGATIVE = "negative"
    REJECTED = "rejected"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class EvictionResponse:
    """What came of an eviction. `retry_after` in seconds, where the apiserver named one."""

    result: EvictionResult
    message: str = ""
    retry_after: float | None = None


RETRIES = {
    EvictionResult.CONFLICT: RetryDelay(1.0, 10.0),
    EvictionResult.BUDGET: RetryDelay(2.0, 30.0),
    EvictionResult.THROTTLED: RetryDelay(2.0, 30.0),
    EvictionResult.TWO_BUDGETS: RetryDelay(60.0, 60.0),
    EvictionResult.WEBHOOK: RetryDelay(10.0, 60.0),
    EvictionResult.WEBHOOK_FAILED: RetryDelay(10.0, 60.0),
    EvictionResult.NAMESPACE_TERMINATING: RetryDelay(5.0, 60.0),
    EvictionResult.FORBIDDEN: RetryDelay(30.0, 60.0),
    EvictionResult.NEGATIVE: RetryDelay(30.0, 60.0),
    EvictionResult.REJECTED: RetryDelay(10.0, 60.0),
    EvictionResult.SERVER: RetryDelay(1.0, 10.0),
}
"""Seconds until an eviction that was refused for that reason is tried again."""

SETTLING = frozenset(
    (
        EvictionResult.GRANTED,
        EvictionResult.GONE,
        EvictionResult.SUCCESSOR,
        EvictionResult.CONFLICT,
        EvictionResult.BUDGET,
        EvictionResult.TWO_BUDGETS,
        EvictionResult.NEGATIVE,
    )
)
"""Answers for which the apiserver has looked at the pod."""

OF_BUDGET = frozenset((EvictionResult.CONFLICT, EvictionResult.BUDGET, EvictionResult.NEGATIVE))
"""Refusals that every other pod of the budget would get too."""

OF_ALL = frozenset(
    (
        EvictionResult.FORBIDDEN,
        EvictionResult.REJECTED,
        EvictionResult.WEBHOOK_FAILED,
        EvictionResult.SERVER,
    )
)
"""Refusals that every other pod might get too. A webhook that denies is not among them: it denies
the pods that it guards, and each has to be asked for (a webhook may move the pod itself)."""

PROBE_SECONDS = 60.0
"""Between two evictions of a budget that allows none even when all its pods are healthy: only a
webhook can open it, and the refusal is expected."""

DENIED_SECONDS = 0.5
"""For each pod that is denied at one time, their next tries are spread over this many seconds."""

CAUSES = {
    EvictionResult.TWO_BUDGETS: Cause.TWO_BUDGETS,
    EvictionResult.WEBHOOK: Cause.WEBHOOK,
    EvictionResult.WEBHOOK_FAILED: Cause.WEBHOOK,
    EvictionResult.NAMESPACE_TERMINATING: Cause.NAMESPACE_TERMINATING,
    EvictionResult.FORBIDDEN: Cause.FORBIDDEN,
    EvictionResult.NEGATIVE: Cause.NEGATIVE,
    EvictionResult.REJECTED: Cause.REJECTED,
    EvictionResult.SERVER: Cause.SERVER,
}
"""Refusals that are reported as blockers; the others pass by themselves."""


def pause(answer: EvictionResponse, times: int, refused: int = 0) -> float:
    """Seconds until the next try of what was refused so `times` times before, while `refused` pods
    wait in all."""
    wait = RETRIES[answer.result].after(times + 1)
    if answer.result is EvictionResult.WEBHOOK:
        wait = max(wait, min(refused * DENIED_SECONDS, LONGEST_ASKED))
    return max(wait, min(answer.retry_after or 0.0, LONGEST_ASKED))


def classify(error: KubernetesError) -> EvictionResponse:
    """The meaning of a refusal, from its status, causes and text."""
    return EvictionResponse(_meaning(error), error.message, error.retry_after)


_FAILED = "failed calling webhook"
_DENIED = ("admission webhook", "ValidatingAdmissionPolicy")
_BY_STATUS = {404: EvictionResult.GONE, 409: EvictionResult.CONFLICT}


def _meaning(error: KubernetesError) -> EvictionResult:
    causes = {str(cause.get("reason") or "") for cause in error.causes}
    result = EvictionResult.SERVER
    if _FAILED in error.message:
        result = EvictionResult.WEBHOOK_FAILED
    elif any(word in error.message for word in _DENIED):
        result = EvictionResult.WEBHOOK
    elif error.status == 429:
        budget = "DisruptionBudget" in causes
        result = EvictionResult.BUDGET if budget else EvictionResult.THROTTLED
    elif error.status == 403:
        result = _forbidden(causes, error.message)
    elif error.status == 500 and "more than one PodDisruptionBudget" in error.message:
        result = EvictionResult.TWO_BUDGETS
    elif error.status in _BY_STATUS:
        result = _BY_STATUS[error.status]
    elif 400 <= error.status < 500 and error.status != 408:
        result = EvictionResult.REJECTED
    return result


def _forbidden(causes: set[str], message: str) -> EvictionResult:
    if "NamespaceTerminating" in causes:
        return EvictionResult.NAMESPACE_TERMINATING
    if any(cause.startswith("DisruptionBudget") for cause in causes):
        return EvictionResult.NEGATIVE
    if message.startswith("poddisruptionbudget"):
        # Before the causes were added (k/k#138003) only the text names the budget.
        return EvictionResult.NEGATIVE
    return EvictionResult.FORBIDDEN
