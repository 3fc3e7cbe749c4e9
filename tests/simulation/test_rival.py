"""Two migrations at once: the one that comes second waits, and leaves nothing behind."""

import pytest

from azure_linux_migrator.api.reasons import Reason
from simtest.custom_resource import Body
from simtest.rival import BEGINS_SECONDS, RivalDraw, draw_rival
from simtest.run import Run


@pytest.mark.parametrize("strategy", ["BlueGreen", "InPlace"])
def test_the_second_migration_of_a_pool_waits(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"source": {"nodePool": "src"}, "strategy": {"type": strategy}}
    drawn = RivalDraw(spec, begins=5.0, ends=600.0, shares=True)
    monkeypatch.setattr("simtest.shipped.operators.draw_rival", lambda *_: drawn)
    run = Run("3", ())
    rival = run._operators._rival
    assert rival is not None
    reasons: list[str] = []

    def written(body: Body | None) -> None:
        ready = body.status.condition("Ready") if body is not None else None
        if ready is not None:
            reasons.append(ready.reason)

    rival.resource.watchers.append(written)
    result = run.go()
    assert not result.failure
    assert result.judged["one-at-a-time"] > 0
    assert Reason.SOURCE_BUSY in reasons
    assert rival.resource.body is None


def test_seeds_have_rivals_of_both_kinds() -> None:
    drawn = [rival for seed in range(200) if (rival := draw_rival(str(seed), "srcazl"))]
    assert {rival.shares for rival in drawn} == {True, False}
    assert all(BEGINS_SECONDS[0] <= rival.begins < rival.ends for rival in drawn)
