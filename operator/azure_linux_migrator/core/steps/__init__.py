"""A BlueGreen migration, top to bottom. Each step answers: is it done, and what now?

Steps before the recorded one are not asked again, but for the level-based ones from CordonSource
on: until the source pool is being retired, whatever appears on it is cordoned and drained.
"""

from collections.abc import Callable

from azure_linux_migrator.core.progress import Context, Progress
from azure_linux_migrator.core.steps.cordon_source import cordon_source
from azure_linux_migrator.core.steps.create_target import create_target
from azure_linux_migrator.core.steps.drain import drain
from azure_linux_migrator.core.steps.preflight import preflight
from azure_linux_migrator.core.steps.retire_source import retire_source
from azure_linux_migrator.core.steps.soak import soak

BLUE_GREEN: tuple[tuple[str, Callable[[Context], Progress]], ...] = (
    ("Preflight", preflight),
    ("CreateTarget", create_target),
    ("CordonSource", cordon_source),
    ("Drain", drain),
    ("Soak", soak),
    ("RetireSource", retire_source),
)

NAMES = tuple(name for name, _ in BLUE_GREEN)


def position(name: str) -> int:
    """Where a step stands in the list; -1 for none."""
    return NAMES.index(name) if name in NAMES else -1


def resumes_at(recorded: str) -> int:
    """Where to go on after a restart, or on the next pass: see the module's docstring."""
    at = max(position(recorded), 0)
    return at if recorded == "RetireSource" else min(at, position("CordonSource"))
