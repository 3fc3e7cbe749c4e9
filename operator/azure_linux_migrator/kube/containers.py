"""What a pod's containers show of its trouble."""

from msgspec import Struct

_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Why a container waits before its first start (pkg/kubelet/kubelet_pods.go)."""


class _Waiting(Struct):
    reason: str = ""
    message: str = ""


class _ContainerState(Struct):
    waiting: _Waiting | None = None


class ContainerStatus(Struct):
    """status.containerStatuses[]."""

    state: _ContainerState | None = None

    @property
    def failing(self) -> str:
        """Why it waits to be tried again; empty where it does not. A crash loop is Ready now and
        then, so that the pod's condition does not show how long it has lasted."""
        waiting = self.state.waiting if self.state else None
        if waiting is None or waiting.reason in _STARTING:
            return ""
        return f"{waiting.reason}: {waiting.message}" if waiting.message else waiting.reason
