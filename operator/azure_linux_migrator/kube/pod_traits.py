"""From a pod's spec to model.traits: what is notable for a move to another node OS."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from azure_linux_migrator.kube.pod_spec import Container, PodSpec
from azure_linux_migrator.model.traits import (
    COMMANDS,
    HOST_PATHS,
    LONG_GRACE_SECONDS,
    NO_TRAITS,
    AppArmor,
    PodTraits,
)

_KEEP = (
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ("karpenter.sh/do-not-disrupt", "true"),
)
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


def pod_traits(spec: PodSpec, annotations: dict[str, str]) -> PodTraits:
    """What is notable in a pod's spec; equal traits share one object."""
    containers = spec.containers or []
    contexts = [
        context
        for context in (spec.security_context, *(each.security_context for each in containers))
        if context is not None
    ]
    grace = spec.termination_grace_period_seconds or 0
    return _shared(
        PodTraits(
            host_paths=_sorted(
                volume.host_path.path
                for volume in spec.volumes or ()
                if volume.host_path is not None and volume.host_path.path.startswith(HOST_PATHS)
            ),
            commands=_sorted(COMMANDS.intersection(_words(containers))),
            sysctls=_sorted(
                sysctl.name for context in contexts for sysctl in context.sysctls or ()
            ),
            kept_by=_sorted(key for key, value in _KEEP if annotations.get(key) == value),
            gpus=_sorted(
                name
                for container in containers
                for name in (container.resources.requests or {} if container.resources else ())
                if name.endswith("/gpu")
            ),
            apparmor=_apparmor(
                (context.apparmor.type for context in contexts if context.apparmor), annotations
            ),
            privileged=any(context.privileged for context in contexts),
            grace_seconds=grace if grace > LONG_GRACE_SECONDS else 0,
        )
    )


@lru_cache(4096)
def _shared(traits: PodTraits) -> PodTraits:
    return NO_TRAITS if traits == NO_TRAITS else traits


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


def _words(containers: Iterable[Container]) -> Iterator[str]:
    """The words of all commands, without the directory of a program."""
    for container in containers:
        for text in (*(container.command or ()), *(container.args or ())):
            for word in text.split():
                yield word.rsplit("/", 1)[-1]


def _apparmor(types: Iterable[str], annotations: dict[str, str]) -> AppArmor:
    """From the fields, or from the annotation that came before them."""
    if AppArmor.LOCALHOST in types or any(
        key.startswith(_APPARMOR) and value.startswith("localhost/")
        for key, value in annotations.items()
    ):
        return AppArmor.LOCALHOST
    return AppArmor.NONE
