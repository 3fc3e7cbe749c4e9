"""When what has failed is tried again."""

import pytest

from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.actions import MarkNode
from tests.support.worlds import NOW, world

MARK = MarkNode("node-1", "m.uid.1")


@pytest.mark.parametrize(("asked", "wait"), [(None, 1.0), (0.5, 1.0), (20.0, 20.0), (1e9, 300.0)])
def test_a_write_is_repeated_when_the_apiserver_wants_it(asked: float | None, wait: float) -> None:
    outcomes = Outcomes(world([]), lambda: 1.0)
    outcomes.failed(MARK, KubernetesError(503, "shutting down", retry_after=asked), NOW)
    assert outcomes.problems[MARK.key].retry_at == NOW + wait
