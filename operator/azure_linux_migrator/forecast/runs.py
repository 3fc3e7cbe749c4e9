"""As many runs of a forecast as time permits, on as many processes as there are CPUs."""

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.alternatives import alternatives
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.forecast import Forecast, Task, as_run, forecast, one_run
from azure_linux_migrator.forecast.run import RunResult
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot

BUDGET_SECONDS = 40.0
"""Seconds for all runs together, unless their number is given."""
FEWEST, MOST = 3, 10
SMALL_SECONDS = 0.03
"""A run that is shorter does not need a process of its own."""


def plan(
    snapshot: ClusterSnapshot,
    name: str,
    spec: MigrationSpec,
    *,
    assumed: Assumptions,
    runs: int | None = None,
    jobs: int | None = None,
) -> Forecast:
    """Forecast a snapshot on `jobs` processes; as many runs as time permits. Raises
    SettingsError if the snapshot lacks the pools of the spec."""
    names = {pool.name for pool in snapshot.pools}
    if spec.source.node_pool not in names:
        raise SettingsError(
            f"node pool {spec.source.node_pool} (spec.source.nodePool) does not exist in this "
            f"cluster; its pools are: {', '.join(sorted(names)) or 'none'}"
        )
    side_by_side = jobs or os.cpu_count() or 1
    began = time.monotonic()
    first = one_run((snapshot, name, as_run(spec), assumed, 0))
    duration = time.monotonic() - began
    room = int(BUDGET_SECONDS * side_by_side / max(duration, 0.001))
    others = len(alternatives(snapshot, as_run(spec), assumed, first))
    wanted = runs or max(FEWEST, min(MOST, room - others))
    compare = max(0, min(others, room - wanted))
    inline = side_by_side == 1 or duration < SMALL_SECONDS or "fork" not in get_all_start_methods()

    def runner(tasks: Iterable[Task]) -> Sequence[RunResult]:
        listed = list(tasks)
        if inline:
            return [one_run(task) for task in listed]
        _shared.clear()
        _shared.append(snapshot)
        short = [task[1:] for task in listed]
        with ProcessPoolExecutor(side_by_side, mp_context=get_context("fork")) as pool:
            return list(pool.map(_run_inherited, short))

    return forecast(
        snapshot,
        name,
        spec,
        runs=wanted,
        assumed=assumed,
        runner=runner,
        compare=compare,
        first=first,
    )


_shared: list[ClusterSnapshot] = []
"""The snapshot, inherited by forked processes: it is too large to send."""


def _run_inherited(rest: tuple[str, dict[str, object], Assumptions, int]) -> RunResult:
    return one_run((_shared[0], *rest))
