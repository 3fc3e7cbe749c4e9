"""`python -m testbed`: the embedded real control plane and the simulated AKS, as commands."""

import argparse
import importlib
import sys
import time
from pathlib import Path

from testbed.binaries import OPTIONAL, BuildError, ensure_built
from testbed.control_plane import ControlPlane, StartError, say


def main() -> int:
    """Parse the command line and run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="testbed", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="build the binaries (cached outside the checkout)")
    build.add_argument("tool", nargs="?", choices=sorted(OPTIONAL), help="an optional tool instead")
    build.set_defaults(run=_build)

    where = commands.add_parser(
        "where", help="print the path of an optional tool, built if need be"
    )
    where.add_argument("tool", choices=sorted(OPTIONAL))
    where.set_defaults(run=_where)

    up = commands.add_parser("up", help="start a control plane; prints its kubeconfig's path")
    up.add_argument("--dir", type=Path, required=True, help="where its files live")
    up.add_argument("--ready-ms", type=int, default=1000, help="shortest time until a pod is Ready")
    up.add_argument("--ready-jitter-ms", type=int, default=2000, help="longest time until Ready")
    up.add_argument("--delete-ms", type=int, default=500, help="time until a deleted pod is gone")
    up.set_defaults(run=_up)

    down = commands.add_parser("down", help="stop the control plane of a directory")
    down.add_argument("--dir", type=Path, required=True)
    down.set_defaults(run=_down)

    for name in (
        "fill.command",
        "aks.command",
        "azure.command",
        "chaos.command",
        "demo.command",
        "demo.preflight",
        "demo.plan",
        "demo.practice",
        "demo.recording",
        "image.command",
        "pictures.command",
    ):
        importlib.import_module(f"testbed.{name}").add_parser(commands)

    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments) or 0)
    except (BuildError, StartError) as error:
        say(f"testbed: {error}")
        return 1


def _build(arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    if arguments.tool:
        ensure_built((OPTIONAL[arguments.tool],))
        return
    ensure_built()
    say(f"testbed: all binaries are there ({time.monotonic() - started:.1f} s)")


def _where(arguments: argparse.Namespace) -> None:
    print(ensure_built((OPTIONAL[arguments.tool],))[arguments.tool])


def _up(arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    plane = ControlPlane.start(
        arguments.dir,
        ready_ms=arguments.ready_ms,
        ready_jitter_ms=arguments.ready_jitter_ms,
        delete_ms=arguments.delete_ms,
    )
    say(f"testbed: control plane ready in {time.monotonic() - started:.1f} s")
    print(plane.kubeconfig, flush=True)


def _down(arguments: argparse.Namespace) -> None:
    ControlPlane(arguments.dir.resolve()).stop()


if __name__ == "__main__":
    sys.exit(main())
