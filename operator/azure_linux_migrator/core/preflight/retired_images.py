"""Images of the source that AKS has removed: such a pool cannot grow again."""

import re
from collections.abc import Iterator
from datetime import date

from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot

_REMOVED = (
    ("Azure Linux 2.0", re.compile(r"AzureLinux-V2|Mariner"), date(2026, 3, 31)),
    ("Flatcar", re.compile(r"Flatcar"), date(2026, 9, 8)),
    ("Ubuntu 20.04", re.compile(r"Ubuntu-2004"), date(2027, 3, 17)),
)
"""AKS issues 4988 and 5648, and the retirements in its changelog."""


def source_image(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.source-image: nothing is rolled back to a pool that cannot get its nodes back."""
    image, strategy = snapshot.source.settings.image, snapshot.spec.strategy.type
    empties = snapshot.spec.source_pool is SourcePool.SCALE_TO_ZERO
    for name, pattern, removed in _REMOVED:
        if pattern.search(image) is None or snapshot.today < removed:
            continue
        if strategy is StrategyType.ROLLING:
            yield of_pool(snapshot, "os.source-image").warn(
                f"the images of {name} were removed on {removed}: nodes that Rolling deletes do "
                "not come back, so a rollback ends with fewer nodes",
                "use spec.strategy.type BlueGreen, which keeps the whole source until the end",
            )
        elif empties and strategy is StrategyType.BLUE_GREEN:
            yield of_pool(snapshot, "os.source-image").warn(
                f"the images of {name} were removed on {removed}: once it is scaled to zero, the "
                "source cannot grow again",
                "set spec.sourcePool to Keep or Delete",
            )
