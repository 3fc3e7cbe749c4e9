"""Workloads whose moved pods do not come back Ready, or do not come back at all.

Nothing is Pending where a quota or an admission webhook refuses the replacements, where their
containers do not start, or where they crash on the new OS. Compared is with what the workload had
when its pods began to leave (evicted_owners.py): what was not Ready then may be so now.
"""

from collections.abc import Iterator

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.blocker import Blocker, of_pod
from azure_linux_migrator.core.drain.evicted_owners import EvictedOwners
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Pod

CHECK_SECONDS = 10.0
"""For so long an answer stands: it costs a walk over what starts and what was moved."""

NOT_MADE_SECONDS = 60.0
"""A controller makes a replacement within a second, unless it is refused."""

FAILING_SECONDS = 60.0
"""A pod whose containers fail again and again is not Ready after this."""

START_SECONDS = 300.0
START_FACTOR = 3.0
"""Any other pod is not Ready after this, or after so many times what its predecessor took."""


class UnrecoveredWorkloads:
    """Of one drain. Times are in seconds since the epoch."""

    def __init__(self, world: World, scope: Scope, evicted_owners: EvictedOwners) -> None:
        self._world = world
        self._scope = scope
        self._evicted_owners = evicted_owners
        self._looked = 0.0
        self._blockers: tuple[Blocker, ...] = ()
        self._missing_since: dict[str, float] = {}

    def find(self, now: float, since: float) -> tuple[Blocker, ...]:
        """What has not come back, one blocker a pod or a controller; the migration began at
        `since`."""
        if not 0 <= now - self._looked < CHECK_SECONDS:
            self._looked = now
            self._blockers = tuple(sorted((*self._not_ready(now, since), *self._missing(now))))
        return self._blockers

    def _not_ready(self, now: float, since: float) -> Iterator[Blocker]:
        late: dict[str, list[Pod]] = {}
        for pod in self._world.starting.values():
            if pod.owner is None or pod.owner.kind == "DaemonSet" or pod.created < since:
                continue
            node = self._world.nodes.get(pod.node)
            if node is None or not self._scope.stays(node):
                continue
            limit = self._limit(pod)
            if limit and now - pod.created > limit:
                controller = self._world.owner_index.controller_of(pod)
                late.setdefault(controller.uid if controller else pod.owner.uid, []).append(pod)
        for pods in late.values():
            allowed = max(
                self._evicted_owners.unready_before(pod.owner.uid) for pod in pods if pod.owner
            )
            for pod in sorted(pods, key=lambda pod: pod.key)[allowed:]:
                waited = round((now - pod.created) / 60)
                why = pod.failing or "its containers do not become Ready"
                yield of_pod(
                    pod,
                    Cause.NOT_READY,
                    f"replaces a pod that was moved and is not Ready after {waited} min: {why}",
                    "see kubectl describe pod and kubectl logs: it may not run on this OS; "
                    "spec.drain.unhealthyReplacements: Ignore continues anyway",
                )

    def _limit(self, pod: Pod) -> float:
        """Seconds after which a replacement should be Ready; 0 where it replaces none."""
        if pod.owner is None or not self._evicted_owners.lost_any(pod.owner.uid):
            return 0.0
        if pod.failing:
            return FAILING_SECONDS
        return max(START_SECONDS, START_FACTOR * self._evicted_owners.start_seconds(pod.owner.uid))

    def _missing(self, now: float) -> Iterator[Blocker]:
        index, short = self._world.owner_index, self._evicted_owners.missing_pods()
        since = self._missing_since
        self._missing_since = {owner: since.get(owner, now) for owner, _ in short}
        for owner, number in short:
            controller = index.controller_of_uid(owner)
            if controller is None or now - self._missing_since[owner] < NOT_MADE_SECONDS:
                continue
            reasons = [
                maker.failing
                for uid in (controller.uid, *index.owners_of(owner))
                if (maker := index.controller(uid)) is not None and maker.failing
            ]
            why = reasons[0] if reasons else "its controller makes none: see its events"
            yield Blocker(
                Cause.NOT_MADE,
                controller.kind,
                controller.key,
                f"{controller.kind} {controller.key} has {number} pods fewer than before they were "
                f"moved: {why}",
                "see kubectl describe of it: a quota or an admission webhook may refuse its pods",
                number,
                controller.uid,
            )
