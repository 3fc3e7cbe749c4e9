"""`python -m bench.plan_scale`: azlm plan on the snapshot of a large cluster.

The snapshot is made up: 1,000 nodes of three pools and 30,000 pods of 1,200 Deployments and
StatefulSets with budgets, start times of 2 to 20 s. The pool that is migrated has 400 of the nodes.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from azure_linux_migrator.forecast.snapshot import ClusterSnapshot, save
from azure_linux_migrator.model.cluster import (
    Allocatable,
    Budget,
    BudgetRule,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
    Selector,
)
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import SchedulingConstraints, Toleration

NOW = 1_790_000_000.0
REPLICAS = 25


def made_up(nodes: int, pods: int, seed: int = 1) -> ClusterSnapshot:
    """A snapshot of that size."""
    rng = random.Random(seed)
    found = ClusterSnapshot(NOW)
    counts = {"system": max(1, nodes // 100), "workers": max(2, nodes * 2 // 5)}
    counts["others"] = max(1, nodes - sum(counts.values()))
    for name, count in counts.items():
        mode = "System" if name == "system" else "User"
        sku = "AzureLinux" if name == "system" else "Ubuntu"
        settings = {
            "count": count,
            "vmSize": "Standard_D16s_v5",
            "osSKU": sku,
            "mode": mode,
            "type": "VirtualMachineScaleSets",
            "currentOrchestratorVersion": "1.37.2",
        }
        found.pools.append(Pool(name, sku, mode=mode, count=count, settings=settings))
        for index in range(count):
            machine = f"aks-{name}-12345678-vmss{index:06d}"
            allocatable = Allocatable(15_000, 60_000, 110)
            found.nodes.append(Node(machine, name, os_sku=sku, allocatable=allocatable))
            size = "Standard_D16s_v5"
            found.labels[machine] = {"node.kubernetes.io/instance-type": size, "agentpool": name}
            found.taints[machine] = []
    where = [node.name for node in found.nodes if node.pool != "system"]
    agents = Owner("DaemonSet", "agent", "ds")
    found.controllers.append(Controller("DaemonSet", NamespacedName("kube-system", "agent"), "ds"))
    found.placings["ds"] = SchedulingConstraints(tolerations=(Toleration(operator="Exists"),))
    for node in found.nodes:
        found.pods.append(
            _pod(NamespacedName("kube-system", f"agent-{node.name}"), node.name, agents, 2.0)
        )
    for number in range(max(1, (pods - len(found.pods)) // REPLICAS)):
        _workload(found, rng, number, where)
    return found


def _workload(found: ClusterSnapshot, rng: random.Random, number: int, where: list[str]) -> None:
    space, name = f"team-{number % 40}", f"app-{number}"
    stateful = number % 5 == 0
    kind = "StatefulSet" if stateful else "Deployment"
    uid, start = f"w-{number}", rng.uniform(2, 20)
    made = Controller(kind, NamespacedName(space, name), uid, replicas=REPLICAS, rolling=True)
    found.controllers.append(made)
    owner = Owner(kind, name, uid)
    if not stateful:
        owner = Owner("ReplicaSet", f"{name}-1", f"{uid}-rs")
        found.controllers.append(
            Controller("ReplicaSet", NamespacedName(space, f"{name}-1"), owner.uid, uid)
        )
    found.placings[owner.uid] = SchedulingConstraints()
    for index in range(REPLICAS):
        key = NamespacedName(space, f"{name}-{index}")
        started = float(round(start * rng.uniform(0.8, 1.4)))
        found.pods.append(_pod(key, rng.choice(where), owner, started, name))
    if number % 10 < 8:
        out = rng.choice((1, 2, 5))
        found.rules.append(BudgetRule(max_unavailable=out))
        found.budgets.append(
            Budget(
                NamespacedName(space, name),
                Selector((("app", name),)),
                allowed=out,
                healthy=REPLICAS,
                desired=REPLICAS - out,
                expected=REPLICAS,
                revision=1,
            )
        )


def _pod(key: NamespacedName, node: str, owner: Owner, started: float, app: str = "agent") -> Pod:
    return Pod(
        key,
        f"uid-{key}",
        node,
        "Running",
        ready=True,
        terminating=False,
        labels=(("app", app),),
        owner=owner,
        revision=1,
        created=NOW - 86_400,
        started_in=started,
        requests=(200, 256),
    )


def main() -> int:
    """Make it, plan it, tell how long it took and how much memory."""
    parser = argparse.ArgumentParser(prog="bench.plan_scale", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=30_000)
    parser.add_argument("--keep", type=Path, help="where to keep the snapshot and the migration")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="azlm-scale-") as directory:
        place = asked.keep or Path(directory)
        snapshot, file = place / "snapshot.json.gz", place / "migration.json"
        save(made_up(asked.nodes, asked.pods), snapshot)
        body = {
            "apiVersion": "azlm.dev/v1alpha1",
            "kind": "AzureLinuxMigration",
            "metadata": {"name": "workers"},
            "spec": {"source": {"nodePool": "workers"}},
        }
        file.write_text(json.dumps(body))
        command = [sys.executable, "-m", "azure_linux_migrator", "plan", "-f", str(file)]
        command += ["--snapshot", str(snapshot), "--timeline", str(place / "timeline.svg")]
        began = time.monotonic()
        process = psutil.Popen(command, stdout=subprocess.PIPE, text=True)
        output, _ = process.communicate()
        took = time.monotonic() - began
        print(output)
        size = snapshot.stat().st_size / 1e6
        print(
            f"{asked.nodes} nodes, {asked.pods} pods: {took:.1f} s; the snapshot has {size:.1f} MB"
        )
        return int(process.returncode)


if __name__ == "__main__":
    sys.exit(main())
