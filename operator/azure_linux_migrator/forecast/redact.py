"""A snapshot under other names, for somebody who must not learn whose cluster it is.

Its forecast is the same: stand-ins match where the names matched (selectors and labels, tolerations
and taints, claims and volumes, owners and pods), and sort as they sorted. Everything here is an
allow-list: a text that is not known to name nothing gets a stand-in, or is told in other words.
"""

import random
from collections.abc import Iterator

from msgspec import structs

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.forecast.pseudonyms import Spoken, Standins
from azure_linux_migrator.forecast.redact_azure import pool_of, survey_of, taint_text
from azure_linux_migrator.forecast.redact_scheduling import extras, placing, selector, terms
from azure_linux_migrator.forecast.snapshot import Snapshot
from azure_linux_migrator.model import traits
from azure_linux_migrator.model.cluster import Budget, Controller, Key, Node, Owner, Pod
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.scheduling import Taint

_OWNERS = frozenset(
    {
        "CronJob", "DaemonSet", "Deployment", "Job", "Node", "ReplicaSet",
        "ReplicationController", "StatefulSet",
    }
)  # fmt: skip
"""Kinds of Kubernetes itself; others are somebody's own."""
_READ = frozenset(
    {
        "daemonsets", "deployments", "events", "persistentvolumes", "poddisruptionbudgets",
        "replicasets", "statefulsets", "volumeattachments",
    }
)  # fmt: skip
_GPUS = frozenset({"amd.com/gpu", "nvidia.com/gpu"})
_KEEPS = frozenset(
    {"cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt"}
)
_PLAIN_TRAITS = frozenset(
    {
        traits.APPARMOR_LOCALHOST,
        traits.EMPTY_DIR,
        traits.JOB,
        traits.LOCAL_VOLUME,
        traits.PRIVILEGED,
    }
)


def spoken_in(name: str, spec: MigrationSpec) -> Spoken:
    """What a migration of that name says of pools, namespaces, labels and taints."""
    target = Migration(name, "", 1, spec, MigrationStatus()).new_pool
    pairs = set((spec.target.labels or {}).items())
    keys: set[str] = set()
    for text in spec.target.taints or ():
        taint = Taint.parse(text)
        pairs.add((taint.key, taint.value))
    for rule in spec.drain.order:
        pairs |= set((rule.selector.match_labels or {}).items())
        for each in rule.selector.match_expressions:
            keys.add(each.key)
            pairs |= {(each.key, value) for value in each.values}
    return Spoken(
        migration=name,
        pools=frozenset({spec.source.node_pool, target}),
        namespaces=frozenset(space for rule in spec.drain.order for space in rule.namespaces),
        keys=frozenset(keys | {key for key, _ in pairs}),
        pairs=frozenset(pairs),
    )


def redact(snapshot: Snapshot, rng: random.Random, spoken: Spoken | None = None) -> Snapshot:
    """The same cluster under other names. `rng` makes the stand-ins: a SystemRandom, so that nobody
    can make them again; `spoken` is what the migration to be forecast names."""
    use = _standins(snapshot, rng, spoken or Spoken())
    return Snapshot(
        taken_at=snapshot.taken_at,
        nodes=[_node(use, each) for each in snapshot.nodes],
        labels={
            use.node(name): {
                use.label_key(key): use.label_value(key, value) for key, value in labels.items()
            }
            for name, labels in snapshot.labels.items()
        },
        taints={
            use.node(name): [taint_text(use, each) for each in taints]
            for name, taints in snapshot.taints.items()
        },
        boots={use.node(name): seconds for name, seconds in snapshot.boots.items()},
        pods=[_pod(use, each) for each in snapshot.pods],
        placings={use.word(uid): placing(use, each) for uid, each in snapshot.placings.items()},
        budgets=[_budget(use, each) for each in snapshot.budgets],
        rules=snapshot.rules,
        controllers=[_controller(use, each) for each in snapshot.controllers],
        volumes=[
            structs.replace(
                each,
                name=use.word(each.name),
                claim=Key(use.namespace(each.claim.namespace), use.word(each.claim.name)),
            )
            for each in snapshot.volumes
        ],
        attachments=[
            structs.replace(
                each,
                name=use.word(each.name),
                node=use.node(each.node),
                volume=use.word(each.volume),
            )
            for each in snapshot.attachments
        ],
        scheduled={use.word(uid): at for uid, at in snapshot.scheduled.items()},
        pools=[pool_of(use, each) for each in snapshot.pools],
        survey=survey_of(use, snapshot.survey),
        unseen=[_unseen(each) for each in snapshot.unseen],
        redacted=True,
    )


def _standins(snapshot: Snapshot, rng: random.Random, spoken: Spoken) -> Standins:
    names = [*_names(snapshot)]
    return Standins(
        rng,
        spoken,
        names=[key for key, _ in names],
        sets=[key for key, kind in names if kind == "StatefulSet"],
        nodes=[
            *(each.name for each in snapshot.nodes),
            *snapshot.labels,
            *snapshot.boots,
            *(each.node for each in snapshot.pods if each.node),
            *(each.node for each in snapshot.attachments if each.node),
        ],
        pools=[each.name for each in snapshot.pools],
    )


def _names(snapshot: Snapshot) -> Iterator[tuple[Key, str]]:
    """Everything in a namespace that drains name, with its kind where it is a controller."""
    for pod in snapshot.pods:
        yield pod.key, ""
        if pod.owner is not None and pod.owner.kind != "Node":
            yield Key(pod.key.namespace, pod.owner.name), pod.owner.kind
    for controller in snapshot.controllers:
        yield controller.key, controller.kind
    for budget in snapshot.budgets:
        yield budget.key, ""


def _node(use: Standins, node: Node) -> Node:
    migration, dot, index = node.batch.rpartition(".")
    return structs.replace(
        node,
        name=use.node(node.name),
        pool=use.pool(node.pool),
        cordoned_by=use.migration(node.cordoned_by),
        batch=_marked(use.migration(migration), dot, index),
        room=node.room._replace(extras=extras(use, node.room.extras)),
        home="",
    )


def _pod(use: Standins, pod: Pod) -> Pod:
    return structs.replace(
        pod,
        key=use.key(pod.key),
        uid=use.word(pod.uid),
        node=use.node(pod.node) if pod.node else "",
        labels=use.labels(pod.labels),
        owner=_owner(use, pod.owner, pod.key.namespace) if pod.owner else None,
        claims=tuple(use.word(each) for each in pod.claims),
        traits=_traits(use, pod.traits),
        unschedulable="no node is available" if pod.unschedulable else "",
        extras=extras(use, pod.extras),
    )


def _owner(use: Standins, owner: Owner, namespace: str) -> Owner:
    name = use.node(owner.name) if owner.kind == "Node" else use.name(Key(namespace, owner.name))
    kind = owner.kind if owner.kind in _OWNERS else use.word(owner.kind)
    return Owner(kind, name, use.word(owner.uid))


def _budget(use: Standins, budget: Budget) -> Budget:
    return structs.replace(
        budget,
        key=use.key(budget.key),
        uid=use.word(budget.uid),
        selector=selector(use, budget.selector),
        disrupted=frozenset(use.name(Key(budget.key.namespace, it)) for it in budget.disrupted),
        sync_failed="--redact leaves out why" if budget.sync_failed else "",
    )


def _controller(use: Standins, controller: Controller) -> Controller:
    migration, slash, replicas = controller.surge.rpartition("/")
    stamp, at, newest = controller.restarted.rpartition("@")
    return structs.replace(
        controller,
        key=use.key(controller.key),
        uid=use.word(controller.uid),
        owner=use.word(controller.owner),
        surge=_marked(use.migration(migration), slash, replicas),
        restarted=_marked(use.word(stamp), at, newest),
        stuck="--redact leaves out why" if controller.stuck else "",
        traits=_traits(use, controller.traits),
        terms=terms(use, controller.terms),
    )


def _marked(by: str, separator: str, number: str) -> str:
    """A mark of ours, `<by><separator><number>`; one that is none says no more than that."""
    if not separator:
        return "unknown" if number else ""
    return f"{by}{separator}{number if number.isdecimal() or number == 'yielded' else 'unknown'}"


def _traits(use: Standins, found: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({made for each in found if (made := _trait(use, each))}))


def _trait(use: Standins, text: str) -> str:
    """Traits say what rules look for; those that are not known are left out."""
    if text in _PLAIN_TRAITS:
        return text
    kind, _, value = text.partition(":")
    match f"{kind}:":
        case traits.SELECTS:
            key, _, value = value.partition("=")
            return f"{traits.SELECTS}{use.label_key(key)}={use.label_value(key, value)}"
        case traits.HOST_PATH:
            value = next((each for each in traits.HOST_PATHS if value.startswith(each)), "")
            return f"{traits.HOST_PATH}{value}" if value else ""
        case traits.COMMAND:
            return text if value in traits.COMMANDS else ""
        case traits.GRACE:
            return text if value.isdecimal() else ""
        case traits.KEEP:
            return text if value in _KEEPS else f"{traits.KEEP}{use.word(value)}"
        case traits.GPU:
            return text if value in _GPUS else f"{traits.GPU}{use.word(value)}"
        case traits.SYSCTL:
            return f"{traits.SYSCTL}{use.word(value)}"
        case _:
            return ""


def _unseen(text: str) -> str:
    """What was not seen without the API server's words, which name who asked."""
    what = text.partition(":")[0]
    if what == "scheduling":
        return text  # how many pods use what is not modelled
    return f"{what if what in _READ else 'a part'}: could not be read (--redact leaves out why)"
