"""The parts of a status that report what was checked and forecast before anything was changed.

Everything is bounded, as in status.py.
"""

from typing import Annotated

from pydantic import Field

from azure_linux_migrator.api.base_model import Model


class FindingStatus(Model):
    """One finding of the preflight."""

    rule: Annotated[str, Field(max_length=64, description="Id to acknowledge it by.")]
    severity: Annotated[
        str, Field(description="Block, Warn, Fixed, Unchecked or Info.", max_length=16)
    ]
    subject: Annotated[str, Field(description="The object that it is about.", max_length=320)]
    message: Annotated[str, Field(description="What was found.", max_length=1024)]
    remedy: Annotated[str, Field(description="What an admin can do.", max_length=512)] = ""
    acknowledged: Annotated[
        bool, Field(description="Whether spec.preflight.acknowledge names it: it does not block.")
    ] = False


class PreflightStatus(Model):
    """What the preflight found; in full: azlm preflight."""

    blocked: Annotated[int, Field(description="Findings that block.")] = 0
    warnings: Annotated[int, Field(description="Findings to read before going on.")] = 0
    unchecked: Annotated[int, Field(description="Checks that could not be made.")] = 0
    findings: Annotated[
        tuple[FindingStatus, ...],
        Field(max_length=20, description="The gravest 20 of them."),
    ] = ()


class ForecastStatus(Model):
    """What a migration would do (spec.mode: Plan). Times in whole seconds; in full: azlm plan."""

    generation: Annotated[int, Field(description="The generation it is about.")] = 0
    at: Annotated[
        str, Field(description="When it was made.", json_schema_extra={"format": "date-time"})
    ]
    runs: Annotated[int, Field(description="Simulated migrations that it is made of.")] = 0
    blocked: Annotated[bool, Field(description="Whether the migration would be blocked.")] = False
    blocked_by: Annotated[
        tuple[Annotated[str, Field(max_length=1024)], ...],
        Field(max_length=5, description="What would block it, with remedies."),
    ] = ()
    seconds: Annotated[int, Field(description="From its beginning to its end.")] = 0
    seconds_low: Annotated[int, Field(description="The shortest of the runs.")] = 0
    seconds_high: Annotated[int, Field(description="The longest of the runs.")] = 0
    moving_seconds: Annotated[int, Field(description="While pods are moved.")] = 0
    ideal_seconds: Annotated[
        int | None,
        Field(description="What moving must take, by the start times of the pods and the budgets."),
    ] = None
    floor_seconds: Annotated[
        int | None, Field(description="The same with the latency of the control plane.")
    ] = None
    limited_by: Annotated[
        str, Field(description="The budget that sets idealSeconds.", max_length=320)
    ] = ""
    batches: Annotated[int, Field(description="Batches of the drain.")] = 0
    pods_moving: Annotated[int, Field(description="Pods that move.")] = 0
    pods_losing_data: Annotated[
        int, Field(description="Of those, the ones that lose an emptyDir.")
    ] = 0
    extra_nodes: Annotated[int, Field(description="Most nodes beside those of the source.")] = 0
    node_hours: Annotated[float, Field(description="Beyond what the source alone would use.")] = 0.0
    choices: Annotated[
        tuple[Annotated[str, Field(max_length=320)], ...],
        Field(max_length=5, description="Other specs that save time or nodes."),
    ] = ()
    unseen: Annotated[
        tuple[Annotated[str, Field(max_length=320)], ...],
        Field(max_length=10, description="What could not be read or modelled."),
    ] = ()
