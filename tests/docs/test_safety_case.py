"""What the safety case names as a proof exists: invariants, mutations and tests."""

import re

from simtest.invariants.registry import INVARIANTS
from simtest.mutations.hunt import MUTATIONS
from tests.docs.pages import DOCS

ROWS = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", (DOCS / "safety-case.md").read_text(), re.MULTILINE
)
CLAIMS = [row for row in ROWS if row[0] not in ("what can go wrong", "---")]


def test_every_danger_has_a_proof() -> None:
    assert len(CLAIMS) > 20
    assert [danger for danger, _, proof in CLAIMS if not re.search(r"`[^`]+`", proof)] == []


def test_every_proof_exists() -> None:
    named = {
        "simulation": set(INVARIANTS),
        "mutation": {mutation.name for mutation in MUTATIONS},
    }
    unknown = [
        f"{kind} {name}"
        for _, _, proof in CLAIMS
        for kind, names in re.findall(r"(simulation|mutation)s? ((?:`[a-z-]+`(?:, )?)+)", proof)
        for name in re.findall(r"`([a-z-]+)`", names)
        if name not in named[kind]
    ]
    assert unknown == []
