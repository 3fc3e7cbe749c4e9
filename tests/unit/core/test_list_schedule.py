"""The earliest time of the last eviction of a budget."""

import random
from itertools import pairwise

import pytest

from azure_linux_migrator.core.drain.list_schedule import last_eviction


def test_what_fits_into_the_slots_goes_at_once() -> None:
    assert last_eviction(3, [9.0, 9.0, 9.0], 3) == 0.0
    assert last_eviction(0, [9.0], 5) == 0.0


def test_equal_times_go_in_waves() -> None:
    assert last_eviction(2, [1.5] * 20, 20) == pytest.approx(9 * 1.5)


def test_the_slot_that_is_free_first_is_used_first() -> None:
    assert last_eviction(2, [5.0, 1.0, 1.0, 9.0], 4) == 2.0


def test_a_replacement_that_was_not_seen_holds_no_slot() -> None:
    assert last_eviction(1, [2.0], 4) == 2.0
    assert last_eviction(2, [2.0], 3) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_no_schedule_that_keeps_the_slots_is_faster(seed: int) -> None:
    """Evict at random moments whenever a slot is free: never before the ideal."""
    rng = random.Random(seed)
    slots, held = rng.randint(1, 5), [rng.uniform(0.5, 9.0) for _ in range(rng.randint(1, 40))]
    busy: list[float] = []
    at, times = 0.0, []
    for seconds in held:
        while len([end for end in busy if end > at]) >= slots:
            at = min(end for end in busy if end > at)
        at += rng.choice((0.0, 0.0, 0.3))
        times.append(at)
        busy.append(at + seconds)
    assert all(before <= after for before, after in pairwise(times))
    assert last_eviction(slots, held, len(held)) <= times[-1] + 1e-9
