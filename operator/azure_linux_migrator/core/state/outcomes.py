"""What came of a migration's actions: read by the next decision, and gone with the process.

The executor and the simulator's action runner record it here, so that failed actions are tried
again at the same times in both. Times are in seconds since the epoch.
"""

from collections.abc import Callable, Mapping

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.azure.failure_codes import FailureClass
from azure_linux_migrator.azure.failures import classify_failure
from azure_linux_migrator.core.state.eviction_response import (
    CAUSES,
    OF_ALL,
    OF_BUDGET,
    PROBE_SECONDS,
    SETTLING,
    EvictionResponse,
    EvictionResult,
    classify,
    pause,
)
from azure_linux_migrator.core.state.results import ActionProblem, PoolReading
from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import (
    AzlmError,
    AzureError,
    InUseError,
    KubernetesError,
    SettingsError,
)
from azure_linux_migrator.model.actions import (
    Action,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    UpdatePool,
)
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.pool import Pool

RECHECK_SECONDS = 60.0
RETRY_SECONDS = 1.0
RETRY = RetryDelay(RETRY_SECONDS, 30.0)
WRITES_KEPT = 5_000

ChangesPool = CreatePool | UpdatePool | DeleteMachines | DeletePool


class Outcomes:
    """Of one migration. `jitter` stretches the pause after a refused eviction."""

    def __init__(self, world: World, jitter: Callable[[], float]) -> None:
        self._world = world
        self._jitter = jitter
        self._failures: dict[str, int] = {}
        self.problems: dict[str, ActionProblem] = {}
        self.pools_read: PoolReading | None = None
        self.missing_access: tuple[str, ...] | None = None
        self.azure_facts: AzureFacts | None = None
        self.forecast: ForecastStatus | None = None
        self.asked: dict[str, float] = {}
        self.deleted: set[str] = set()
        """Pools whose deletion is the last change that Azure has accepted."""
        self.forced: set[str] = set()
        """Uids of the pods that were deleted against their budgets."""
        self.written: dict[str, tuple[Action, float]] = {}
        """The last writes to Kubernetes by key, and when each was answered."""
        self.changes = 0
        """Changes of pools that Azure has answered: a list begun before one may not show it."""

    def forget_refusals(self) -> None:
        """The spec changed: what was refused for good is tried again."""
        self.problems = {key: p for key, p in self.problems.items() if p.retryable}
        self.missing_access = None
        self.azure_facts = None

    def began(self, action: Action, now: float) -> None:
        """An action is about to be sent."""
        if isinstance(action, EvictPod | DeletePod):
            self._world.evicting(action, now)

    def succeeded(self, action: Action) -> None:
        """Nothing is wrong with it any more."""
        self.problems.pop(action.key, None)
        self._failures.pop(action.key, None)

    def wrote(self, action: Action, now: float) -> None:
        """Kubernetes has taken a write; the watch may show it later."""
        self.written[action.key] = (action, now)
        if len(self.written) > WRITES_KEPT:
            # Only those of a moment ago are waited for.
            late = now - RECHECK_SECONDS
            self.written = {key: entry for key, entry in self.written.items() if entry[1] > late}
        self.succeeded(action)

    def pool_changed(self, action: ChangesPool, now: float) -> None:
        """Azure has accepted a change of a pool: what was read before is old."""
        self.pools_read = None
        self.changes += 1
        pool = action.target if isinstance(action, CreatePool) else action.pool
        self.asked[pool] = now
        if isinstance(action, DeletePool):
            self.deleted.add(pool)
        else:
            self.deleted.discard(pool)
        self.succeeded(action)

    def pools_listed(
        self, action: Action, pools: Mapping[str, Pool], *, since: int, now: float
    ) -> None:
        """A list of the pools arrived; `since` is what `changes` was when it was asked for."""
        if since == self.changes:
            self.pools_read = PoolReading(pools, now)
        self.succeeded(action)

    def access_reviewed(self, action: Action, missing: tuple[str, ...], now: float) -> None:
        """Kubernetes has said what the operator may not do."""
        self.missing_access = missing
        self.succeeded(action)
        if missing:
            text = "waiting to ask Kubernetes again"
            again = now + RECHECK_SECONDS
            self.problems[action.key] = ActionProblem(
                Reason.KUBERNETES_FORBIDDEN, text, False, again
            )

    def azure_facts_read(self, action: Action, facts: AzureFacts) -> None:
        """What only the preflight needs was read."""
        self.azure_facts = facts
        self.succeeded(action)

    def forecast_finished(self, action: Action, status: ForecastStatus) -> None:
        """A forecast was made."""
        self.forecast = status
        self.succeeded(action)

    def eviction_answered(
        self, action: EvictPod | DeletePod, answer: EvictionResponse, now: float
    ) -> None:
        """The apiserver has answered an eviction."""
        inflight, result = self._world.inflight, answer.result
        if result in SETTLING:
            inflight.breaker.answered()
        if result is EvictionResult.GRANTED:
            if isinstance(action, DeletePod):
                self.forced.add(action.uid)
            self._world.eviction_granted(action)
            return
        if result in {EvictionResult.GONE, EvictionResult.SUCCESSOR}:
            self._world.eviction_needless(action)
            return
        cause = CAUSES.get(result)
        detail = {"reason": cause.value if cause else result.value, "message": answer.message}
        if result in OF_BUDGET and action.budget is not None:
            times = inflight.budget_backoffs.times(action.budget)
        else:
            times = inflight.pod_refusals.times(action.pod, action.uid, detail["reason"])
        wait = pause(answer, times, len(inflight.pod_refusals))
        budget = self._world.budgets.get(action.budget) if action.budget else None
        never = result is EvictionResult.BUDGET and budget is not None and budget.never_allows
        until = now + max(wait, PROBE_SECONDS if never else 0.0) * self._jitter()
        if result is EvictionResult.THROTTLED:
            inflight.throttled_until = max(inflight.throttled_until, until)
        if result in OF_ALL:
            inflight.breaker.refused(action.pod, **detail, now=now, stretch=self._jitter())
        if result in OF_BUDGET:
            strict = answer.retry_after is not None
            self._world.budget_refused(action, **detail, until=until, strict=strict)
        elif result is EvictionResult.SERVER or (
            result not in SETTLING and inflight.doubted(action.pod, action.uid)
        ):
            self._world.eviction_unanswered(action, **detail, until=until, now=now)
        else:
            self._world.eviction_refused(action, **detail, until=until)

    def failed(self, action: Action, error: AzlmError, now: float) -> ActionProblem | None:
        """An action failed; returns what was noted, None for an eviction."""
        if isinstance(action, EvictPod | DeletePod):
            lost = EvictionResponse(EvictionResult.SERVER, str(error))
            answer = classify(error) if isinstance(error, KubernetesError) else lost
            self.eviction_answered(action, answer, now)
            return None
        match error:
            case AzureError():
                failure = classify_failure(error)
                text = _text_of(error, failure)
                if not failure.retryable:
                    return self._refuse(action, failure.reason, text, now + failure.delay)
                self.changes += 1
                self.pools_read = None
                return self._fail(action, failure.reason, text, failure.delay, now)
            case SettingsError():
                return self._refuse(
                    action, Reason.CLUSTER_UNKNOWN, str(error), now + RECHECK_SECONDS
                )
            case InUseError():
                return self._fail(action, Reason.MACHINES_IN_USE, str(error), RETRY_SECONDS, now)
            case KubernetesError(status=403):
                again = now + RECHECK_SECONDS
                return self._refuse(action, Reason.KUBERNETES_FORBIDDEN, str(error), again)
            case KubernetesError():
                wait = error.delayed(RETRY_SECONDS)
                return self._fail(action, Reason.KUBERNETES_UNAVAILABLE, str(error), wait, now)
        return self._fail(action, Reason.KUBERNETES_UNAVAILABLE, str(error), RETRY_SECONDS, now)

    def broke(self, action: Action, text: str, now: float) -> ActionProblem:
        """An action failed in a way that nobody foresaw."""
        if isinstance(action, EvictPod | DeletePod):
            self.eviction_answered(action, EvictionResponse(EvictionResult.SERVER, text), now)
            return ActionProblem(Reason.INTERNAL_ERROR, text, True, now)
        return self._fail(action, Reason.INTERNAL_ERROR, text, 10.0, now)

    def _fail(
        self, action: Action, reason: Reason, message: str, delay: float, now: float
    ) -> ActionProblem:
        """Retry later; the delay is that of RETRY, and `delay` at the least."""
        count = self._failures[action.key] = self._failures.get(action.key, 0) + 1
        wait = max(delay, RETRY.after(count))
        noted = self.problems[action.key] = ActionProblem(reason, message, True, now + wait)
        return noted

    def _refuse(self, action: Action, reason: Reason, message: str, until: float) -> ActionProblem:
        noted = self.problems[action.key] = ActionProblem(reason, message, False, until)
        return noted


def _text_of(error: AzureError, failure: FailureClass) -> str:
    """Azure's own words, then what can be done about it."""
    return f"{error.message} ({error.code})" + (f"; {failure.remedy}" if failure.remedy else "")
