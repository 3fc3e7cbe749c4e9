"""From a pod's spec to model.traits: what is notable for a move to another node OS."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from azure_linux_migrator.kube.pod_spec import Container, PodSpec, SecurityContext
from azure_linux_migrator.model.traits import (
    COMMANDS,
    LONG_GRACE_SECONDS,
    NO_TRAITS,
    AppArmor,
    HostPath,
    PodTraits,
)

_KEEP = (
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ("karpenter.sh/do-not-disrupt", "true"),
)
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
"""The annotation that came before the field; the API server still sets the field from it."""
_WORD_END = re.compile(r"[\s;|&()<>`'\"=]+")
_SETTING = re.compile(r"\b([a-z0-9_]+(?:[./][a-z0-9_-]+)+)\s*=")


def pod_traits(spec: PodSpec, annotations: dict[str, str]) -> PodTraits:
    """What is notable in a pod's spec; equal traits share one object."""
    containers = [*(spec.init_containers or ()), *(spec.containers or ())]
    contexts = _contexts(spec, containers)
    commands = [
        text
        for container in containers
        for text in (*(container.command or ()), *(container.args or ()))
    ]
    grace = spec.termination_grace_period_seconds or 0
    return _shared(
        PodTraits(
            host_paths=tuple(sorted(set(_host_paths(spec, containers)))),
            commands=_sorted(COMMANDS.intersection(_words(commands))),
            sysctls=_sorted(
                sysctl.name for context in contexts for sysctl in context.sysctls or ()
            ),
            sysctl_writes=_sorted(_sysctl_writes(commands)),
            kept_by=_sorted(key for key, value in _KEEP if annotations.get(key) == value),
            gpus=_sorted(
                name
                for container in containers
                for name in (container.resources.requests or {} if container.resources else ())
                if name.endswith("/gpu")
            ),
            apparmor=_apparmor(contexts, annotations),
            seccomp=any(
                context.seccomp is not None and context.seccomp.type == "Localhost"
                for context in contexts
            ),
            privileged=any(context.privileged for context in contexts),
            host_pid=bool(spec.host_pid),
            host_ports=tuple(
                sorted(
                    {
                        port.host_port
                        for container in containers
                        for port in container.ports or ()
                        if port.host_port
                    }
                )
            ),
            grace_seconds=grace if grace > LONG_GRACE_SECONDS else 0,
        )
    )


@lru_cache(4096)
def _shared(traits: PodTraits) -> PodTraits:
    return NO_TRAITS if traits == NO_TRAITS else traits


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


def _contexts(spec: PodSpec, containers: Iterable[Container]) -> list[SecurityContext]:
    contexts = (spec.security_context, *(container.security_context for container in containers))
    return [context for context in contexts if context is not None]


def _host_paths(spec: PodSpec, containers: Iterable[Container]) -> Iterator[HostPath]:
    for volume in spec.volumes or ():
        if volume.host_path is not None:
            mounts = [
                mount
                for container in containers
                for mount in container.volume_mounts or ()
                if mount.name == volume.name
            ]
            read_only = bool(mounts) and all(mount.read_only for mount in mounts)
            yield HostPath(volume.host_path.path, volume.host_path.type or "", not read_only)


def _words(commands: Iterable[str]) -> Iterator[str]:
    """The words of shell commands, without the directory of a program."""
    for text in commands:
        for word in _WORD_END.split(text):
            yield word.rsplit("/", 1)[-1]


def _sysctl_writes(commands: list[str]) -> Iterator[str]:
    """Kernel parameters that `sysctl -w name=value` sets, in one command or in its arguments."""
    if any("sysctl" in text for text in commands):
        for text in commands:
            yield from (name.replace("/", ".") for name in _SETTING.findall(text))


def _apparmor(contexts: Iterable[SecurityContext], annotations: dict[str, str]) -> AppArmor:
    """From the fields, or from the annotation."""
    types = {context.apparmor.type for context in contexts if context.apparmor is not None}
    types |= {value for key, value in annotations.items() if key.startswith(_APPARMOR)}
    if any(name == AppArmor.LOCALHOST or name.startswith("localhost/") for name in types):
        return AppArmor.LOCALHOST
    if types & {AppArmor.RUNTIME_DEFAULT, "runtime/default"}:
        return AppArmor.RUNTIME_DEFAULT
    return AppArmor.NONE
