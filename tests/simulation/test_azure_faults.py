"""Every call to Azure meets every fault: each case is a row of docs/azure-faults.md.

AZLM_WRITE_DOCS=1 writes the page; otherwise each case is compared with its row.
"""

import os
from pathlib import Path

import pytest

from simtest.faults.azure_calls import (
    Call,
    CallFault,
    Effect,
    EndOperation,
    Hide,
    LoseResponse,
    Refuse,
    Stall,
)
from tests.support.migration_run import CALM, NODES, MigrationRun, migration_run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "azure-faults.md"
SCALED = {"enableAutoScaling": True, "minCount": 2, "maxCount": 9}
ROLLING = CALM | {"type": "Rolling"}

CALLS: dict[str, tuple[Call, str | None, int]] = {
    "list pools": ("ListPools", None, 1),
    "read the source before a PUT": ("GetPool", "src", 1),
    "create the target": ("PutPool", "srcazl", 1),
    "hold the autoscaler": ("PutPool", "src", 1),
    "delete machines": ("DeleteMachines", "src", 1),
    "grow the target": ("PutPool", "srcazl", 2),
    "delete the source": ("DeletePool", "src", 1),
    "hand the autoscaler over": ("PutPool", "srcazl", 3),
}
"""Each call of a Rolling migration of an autoscaled pool: its name, its pool, which one it is."""

FAULTS: dict[str, Effect] = {
    "409 OperationNotAllowed": Refuse(409, "OperationNotAllowed"),
    "409 EtagMismatch": Refuse(409, "EtagMismatch"),
    "412 PreconditionFailed": Refuse(412, "PreconditionFailed"),
    "429 with Retry-After": Refuse(429, "Throttled", retry_after=47),
    "429 without it": Refuse(429, "Throttled"),
    "500": Refuse(500, "InternalServerError"),
    "503": Refuse(503, "ServiceUnavailable"),
    "403": Refuse(403, "AuthorizationFailed"),
    "timeout before it took effect": LoseResponse(committed=False),
    "timeout after it took effect": LoseResponse(committed=True),
    "the operation fails for want of capacity": EndOperation("Failed", nodes=0),
    "the operation fails, nodes do not start": EndOperation(
        "Failed", "VMExtensionProvisioningError", "VM has reported a failure.", nodes=0
    ),
    "the operation is cancelled": EndOperation("Canceled", nodes=0),
    "the operation's URL is lost": Refuse(404, "NotFound"),
    "the operation hangs for an hour": Stall(3600),
    "reads do not show the pool for 30 s": Hide(30),
}
WRITES = {name for name, (call, _, _) in CALLS.items() if call not in {"ListPools", "GetPool"}}
_OPERATIONS = (EndOperation, Stall, Hide)


CASES = [
    (call, fault)
    for call in CALLS
    for fault, effect in FAULTS.items()
    if call in WRITES or not isinstance(effect, _OPERATIONS)
]

rows: dict[tuple[str, str], tuple[str, str]] = {}
"""What the cases of this run reported, for a new page."""


def page_rows() -> dict[tuple[str, str], tuple[str, str]]:
    """The rows of the page: from call and fault to what the status reports and how the run ends."""
    listed: dict[tuple[str, str], tuple[str, str]] = {}
    call = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            call = line[3].lower() + line[4:]
        elif line.startswith("| ") and not line.startswith("| fault "):
            fault, reported, end = (cell.strip() for cell in line.strip("|").split("|"))
            listed[call, fault] = (reported, end)
    return listed


@pytest.mark.parametrize(("call", "title"), CASES)
async def test_a_call_survives_a_fault(call: str, title: str) -> None:
    name, pool, nth = CALLS[call]
    effect = FAULTS[title]
    if "URL" in title:
        fault = CallFault(effect, "GetOperation", times=None)
    else:
        fault = CallFault(effect, name, pool, nth=nth, times=1)
    rows[call, title] = await _outcome(fault)
    if not os.environ.get("AZLM_WRITE_DOCS"):
        assert rows[call, title] == page_rows().get((call, title))


def test_the_page_lists_every_case_once() -> None:
    if os.environ.get("AZLM_WRITE_DOCS") and len(rows) == len(CASES):
        lines = [HEAD]
        for call in CALLS:
            lines += [f"\n## {call[0].upper()}{call[1:]}\n", "| fault | reported meanwhile | end |"]
            lines.append("|---|---|---|")
            lines += [
                f"| {fault} | {reported} | {end} |"
                for (of, fault), (reported, end) in rows.items()
                if of == call
            ]
        PAGE.write_text("\n".join(lines) + "\n")
    assert list(page_rows()) == CASES
    assert PAGE.read_text().startswith(HEAD)


HEAD = """# What becomes of each fault of Azure

Written by `tests/simulation/test_azure_faults.py`. Each run is a Rolling migration of an autoscaled
pool of 4 nodes, by the real SDK against the simulated AKS, with one fault. Every run ends with the
source gone, one target of 4 nodes with the source's autoscaler bounds, never more than 6 nodes, and
no operation that had worked done twice. Where an admin has to act first, the table says which
condition reports it.

[Azure errors](azure-errors.md) lists what each text and code is taken for."""


async def _outcome(fault: CallFault) -> tuple[str, str]:
    """What the status reported, and how the run ended; the end state is checked."""
    async with migration_run([fault], pool=SCALED, strategy=ROLLING) as migration:
        done = await migration.run(passes=4000)
        reported = _reported(migration)
        end = "continued by itself"
        if not done:
            assert migration.status.is_true("Stalled"), (
                fault,
                migration.trail,
                migration.status.message,
            )
            end = "an admin fixes it, then it goes on"
            _fix(migration)
            done = await migration.run(passes=4000)
        assert done, (fault, migration.trail, migration.status.message)
        assert set(migration.pools) == {"system", "srcazl"}, fault
        new = migration.pools["srcazl"]
        bounds = (new["count"], new["enableAutoScaling"], new["minCount"], new["maxCount"])
        assert bounds == (NODES, True, 2, 9), (fault, bounds)
        assert migration.most_nodes <= NODES + 2, fault
        assert len(list(migration.world.pool_nodes("srcazl"))) == NODES, fault
        again = 1 + isinstance(fault.effect, EndOperation)
        assert _accepted(migration, "PUT", "srcazl", 201) <= 1, fault
        assert _accepted(migration, "DELETE", "src", 202) <= again, fault
        assert _accepted(migration, "POST", "deleteMachines", 202) <= again, fault
        return reported, end


def _accepted(migration: MigrationRun, method: str, end: str, status: int) -> int:
    return sum(
        one["method"] == method and one["path"].endswith(f"/{end}") and one["status"] == status
        for one in migration.log
    )


def _reported(migration: MigrationRun) -> str:
    """Reasons that do not belong to a smooth run, in order."""
    reasons = [line.partition(":")[2] for line in migration.trail]
    odd = [reason for reason in dict.fromkeys(reasons) if reason not in SMOOTH]
    return ", ".join(f"`{reason}`" for reason in odd) or "nothing"


SMOOTH = frozenset(
    (
        "ReadingPools",
        "CreatingTarget",
        "TargetNodesNotReady",
        "HoldingAutoscaler",
        "Cordoning",
        "AdmittingBatch",
        "Draining",
        "ShrinkingSource",
        "GrowingTarget",
        "BatchSoak",
        "RetiringSource",
        "HandingOverAutoscaler",
        "Succeeded",
    )
)


def _fix(migration: MigrationRun) -> None:
    """Do what the status asks of an admin: repair a pool that AKS left in a failed state."""
    migration.executor.outcomes.forget_refusals()
    for name, properties in migration.pools.items():
        if properties["provisioningState"] in {"Failed", "Canceled"}:
            migration.cluster.put(name, {"properties": dict(properties)}, migration.now)
