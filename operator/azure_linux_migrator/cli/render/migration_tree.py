"""A migration for people: where it is, how far, what holds it up, and what to do.

Rich draws it, in colour on a terminal and as plain text elsewhere.
"""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.cli.view.migration_view import (
    ENDS,
    MigrationState,
    MigrationView,
    NodeView,
)
from azure_linux_migrator.cli.view.step_view import StepState, steps_of
from azure_linux_migrator.forecast.durations import span

STYLES = {
    MigrationState.DONE: "green",
    MigrationState.ADVANCING: "cyan",
    MigrationState.WAITING: "yellow",
    MigrationState.FAILED: "red",
}
NODES_SHOWN = 12
"""Nodes of a batch that are listed one by one."""
BAR_WIDTH = 30
DONE, NOW, NEXT = ("✓", "green"), ("●", "cyan"), ("○", "dim")
MARKS = {StepState.DONE: DONE, StepState.NOW: NOW, StepState.NEXT: NEXT}


def whole(view: MigrationView, now: float) -> RenderableType:
    """All of a migration. `now` in seconds since the epoch."""
    parts: list[RenderableType] = [_headline(view), _progress(view, now), _steps(view)]
    if view.missing:
        parts.append(Text(view.missing, "yellow"))
    if view.status.blockers:
        parts += [Text("Blockers", "bold"), *_blockers(view.status.blockers, now)]
    return Group(*parts)


def table(views: Sequence[MigrationView], now: float) -> RenderableType:
    """One line for each migration; the message takes the room that is left."""
    lines: list[tuple[str, ...]] = [
        ("NAME", "POOLS", "PHASE", "NODES", "PODS LEFT", "ETA", "AGE", "MESSAGE")
    ]
    lines += [_row(view, now) for view in views]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts: list[Text] = []
    for line, style in zip(lines, ["bold", *(STYLES[view.state] for view in views)], strict=True):
        cells = [f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)]
        text = Text("  ".join(cells[:2]) + "  ", no_wrap=True, overflow="ellipsis")
        text.append(cells[2], style)
        texts.append(text.append("  " + "  ".join(cells[3:]).rstrip(), style if not texts else ""))
    return Group(*texts)


def _row(view: MigrationView, now: float) -> tuple[str, ...]:
    status = view.status
    return (
        view.name,
        f"{view.migration.old_pool} → {view.migration.new_pool}",
        status.phase,
        status.nodes.progress or "-",
        str(status.pods.remaining) if status.start_time else "-",
        _eta(status, now) or "-",
        _age(status.start_time, now) or "-",
        view.message,
    )


def blockers_of(view: MigrationView, now: float) -> RenderableType:
    """What holds a migration up, with what an admin can do."""
    if view.status.blockers:
        return Group(*_blockers(view.status.blockers, now))
    if view.needs_admin:
        return Text(f"{view.reason}: {view.message}")
    return Text(f"nothing holds {view.name} up" if view.seen else view.message)


def _headline(view: MigrationView) -> Text:
    style = STYLES[view.state]
    text = Text.assemble(
        (view.name, "bold"),
        f"  {view.migration.old_pool} → {view.migration.new_pool}  ",
        (view.status.phase, f"bold {style}"),
    )
    if view.message:
        text.append(f"\n{view.message}", style if view.state is not MigrationState.DONE else "")
    return text


def _progress(view: MigrationView, now: float) -> RenderableType:
    status = view.status
    total = status.nodes.total
    if not total:
        return Text()
    facts = [f"{status.nodes.drained}/{total} nodes drained", f"{status.pods.remaining} pods left"]
    if status.pods.forced:
        facts.append(f"{status.pods.forced} forced")
    facts += [fact for fact in (_eta_words(status, now), _times(status, now)) if fact]
    full = BAR_WIDTH * min(status.nodes.drained, total) // total
    return Text.assemble(
        "\n", ("█" * full, "green"), ("░" * (BAR_WIDTH - full), "dim"), f"  {' · '.join(facts)}\n"
    )


def _eta_words(status: MigrationStatus, now: float) -> str:
    eta = _eta(status, now)
    return f"drained in about {eta}" if eta else ""


def _eta(status: MigrationStatus, now: float) -> str:
    """The time that is left, empty where it is not known or has passed."""
    at = since_epoch(status.timing.eta)
    return span(at - now) if at is not None and at > now and not _over(status) else ""


def _over(status: MigrationStatus) -> bool:
    return status.phase in ENDS


def _times(status: MigrationStatus, now: float) -> str:
    begun, ended = since_epoch(status.start_time), since_epoch(status.completion_time)
    if begun is None:
        return ""
    return (
        f"took {span(ended - begun)}" if ended is not None else f"running for {span(now - begun)}"
    )


def _age(start: str | None, now: float) -> str:
    begun = since_epoch(start)
    return "" if begun is None else span(now - begun)


def _steps(view: MigrationView) -> Tree:
    """The steps of its route, with the batches under the one that moves pods."""
    tree = Tree(Text("Steps", "bold"), guide_style="dim")
    over = view.status.is_true(ConditionType.SUCCEEDED) or view.status.phase == Phase.SUCCEEDED
    for step in steps_of(view):
        mark, style = MARKS[step.state]
        label = Text.assemble((f"{mark} {step.name}", style))
        if step.state is StepState.NOW:
            label.append(f"  {view.reason}", STYLES[view.state])
        branch = tree.add(label)
        if step.moves and step.state is not StepState.NEXT and not over:
            for text in _batches(view):
                branch.add(text)
    return tree


def _batches(view: MigrationView) -> Iterator[RenderableType]:
    """The batches so far, with the nodes of the running one; then the nodes without a batch."""
    running = view.status.batch.index
    by_batch: dict[int, list[NodeView]] = {}
    for node in view.nodes:
        by_batch.setdefault(node.batch, []).append(node)
    for batch, nodes in sorted(by_batch.items()):
        if batch == 0:
            continue
        # The nodes may be newer than the status: a batch beyond its own has not begun for it.
        mark, style = NOW if batch == running else DONE if batch < running else NEXT
        text = Text(f"{mark} batch {batch}: {_count(len(nodes), 'node')}", style)
        if batch != running:
            yield text
            continue
        tree = Tree(text, guide_style="dim")
        for node in nodes[:NODES_SHOWN]:
            tree.add(_node(node))
        if len(nodes) > NODES_SHOWN:
            tree.add(Text(f"and {len(nodes) - NODES_SHOWN} more", "dim"))
        yield tree
    if waiting := by_batch.get(0):
        yield Text(f"{NEXT[0]} {_count(len(waiting), 'node')} without a batch yet", NEXT[1])


def _node(view: NodeView) -> Text:
    pods = view.pods or 0
    state = f"{_count(pods, 'pod')} left" if pods else "no pods left"
    notes = "" if view.node.ready else ", NotReady"
    notes += "" if view.node.unschedulable else ", not cordoned"
    return Text(f"{view.node.name}  {state}{notes}", "" if pods else "green")


def _blockers(blockers: Sequence[BlockerStatus], now: float) -> Iterator[RenderableType]:
    for blocker in blockers:
        about = f"{blocker.namespace}/{blocker.name}" if blocker.namespace else blocker.name
        since = _age(blocker.since, now)
        facts = [_count(blocker.pods, "pod")] if blocker.pods else []
        facts += [f"for {since}"] if since else []
        head = Text.assemble(
            (blocker.cause, "bold yellow"), f"  {blocker.kind} {about}  ", (", ".join(facts), "dim")
        )
        yield head
        yield Padding(Text(blocker.message), (0, 0, 0, 2), expand=False)
        if blocker.remedy:
            yield Padding(Text(f"→ {blocker.remedy}", "green"), (0, 0, 0, 2), expand=False)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
