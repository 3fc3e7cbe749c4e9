"""`python -m bench.plan_scale`: azlm plan on the snapshot of a large cluster.

The snapshot is generated: 1,000 nodes of three pools and 30,000 pods of 1,200 Deployments and
StatefulSets with budgets, start times of 2 to 20 s. The pool that is migrated has 400 of the nodes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from azure_linux_migrator.forecast.snapshot import save
from testbed.fill.snapshot import cluster_snapshot


def main() -> int:
    """Generate the snapshot, plan it, and print the time and the memory."""
    parser = argparse.ArgumentParser(prog="bench.plan_scale", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=30_000)
    parser.add_argument("--keep", type=Path, help="where to keep the snapshot and the migration")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="azlm-scale-") as directory:
        place = asked.keep or Path(directory)
        snapshot, file = place / "snapshot.json.gz", place / "migration.json"
        save(cluster_snapshot(asked.nodes, asked.pods), snapshot)
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
