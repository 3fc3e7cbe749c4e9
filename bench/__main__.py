"""`make bench`: azlm and other tools drain the same workloads, on a real control plane.

The time runs from a tool's first write to a node until the last pod has left the source.
Independent observers and the API server's audit log count what happened. Start times are seeded and
the same for every tool (bench/ideal.py); nothing else should run on the machine.
"""

import argparse

from bench.measure import MeasuredRun, measure_shape
from bench.report import table, write
from bench.shapes import DEFAULT, QUICK, named
from bench.tools import RIVALS, TOOLS


def main() -> None:
    """Run every tool on every shape; write the results after each shape."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--shapes", default=",".join(DEFAULT), help="comma-separated names")
    parser.add_argument("--quick", action="store_true", help="one small shape")
    parser.add_argument("--rivals", choices=("", "all"), default="", help="all: Karpenter too")
    parser.add_argument("--tools", help="only tools whose name begins so (for trials)")
    parser.add_argument("--runs", type=int, default=3, help="of each tool on each shape")
    arguments = parser.parse_args()
    tools = TOOLS | (RIVALS if arguments.rivals == "all" else {})
    if arguments.tools:
        tools = {name: t for name, t in tools.items() if name.startswith(arguments.tools)}
    names = QUICK if arguments.quick else tuple(arguments.shapes.split(","))
    runs: list[MeasuredRun] = []
    for shape in [named(name) for name in names]:
        runs += measure_shape(shape, tools, arguments.runs)
        write(runs)
    print("\n" + table([run.row for run in runs]))


if __name__ == "__main__":
    main()
