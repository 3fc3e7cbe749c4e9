"""All mutations, and the hunt for each: seed by seed until its invariant breaks."""

from msgspec import Struct

from simtest.mutations.cordons import CORDONS
from simtest.mutations.drained_pods import DRAINED_PODS
from simtest.mutations.mutation import Mutation
from simtest.mutations.pools import POOLS
from simtest.mutations.processes import PROCESSES
from simtest.mutations.replacements import REPLACEMENTS
from simtest.mutations.reported import REPORTED
from simtest.mutations.requests import REQUESTS
from simtest.mutations.slots import SLOTS
from simtest.mutations.steps import STEPS
from simtest.run import run

MUTATIONS: tuple[Mutation, ...] = (
    *SLOTS,
    *REPLACEMENTS,
    *DRAINED_PODS,
    *CORDONS,
    *STEPS,
    *POOLS,
    *REPORTED,
    *REQUESTS,
    *PROCESSES,
)
MOST_SEEDS = 3000


class Catch(Struct):
    """The result of a hunt: the number of seeds (0: not found), the violation, and the first
    other failure with its seed."""

    name: str
    seeds: int = 0
    why: str = ""
    other: str = ""
    other_seed: int = -1


def hunt(mutation: Mutation, most: int = MOST_SEEDS, first: int = 0) -> Catch:
    """Runs that fail for another reason, or that fail without the mutation too, do not count."""
    caught = Catch(mutation.name)
    for seed in range(first, first + most):
        with mutation.applied():
            outcome = run(str(seed), mutation.faults)
        if not outcome.failure:
            continue
        line = outcome.failure.strip().splitlines()[-1]
        if mutation.shows(outcome.failure):
            with mutation.strict():
                clean = run(str(seed), mutation.faults)
            if not mutation.shows(clean.failure):
                caught.seeds, caught.why = seed - first + 1, line
                return caught
        elif not caught.other:
            caught.other, caught.other_seed = line, seed
    return caught
