"""How kwok changes nodes and pods, and how long that takes.

Pods may have their own times: `testbed.azlm.dev/ready-ms`, `/delete-ms`, `/complete-ms` (the pod of
a Job succeeds after that), and `/never-ready: "true"`. kwok reads durations in Go's format, so the
annotations hold for example `4000ms`.
"""

from typing import Any

import yaml

PREFIX = "testbed.azlm.dev/"

_POD_IP = (
    '{{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) '
    '( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}'
)


def render(*, ready_ms: int, ready_jitter_ms: int, delete_ms: int) -> str:
    """The Stage documents. Times in milliseconds; the jitter is the upper end of the delay."""
    stages = [
        _node(),
        _pod_ready(ready_ms, ready_jitter_ms),
        _pod_never_ready(),
        _pod_complete(),
        _pod_delete(delete_ms),
    ]
    return yaml.safe_dump_all(stages, sort_keys=False)


def _stage(name: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    group = {"apiGroup": "v1", "kind": kind}
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {"resourceRef": group, **spec},
    }


def _expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def _annotation(name: str) -> str:
    return f'.metadata.annotations["{PREFIX}{name}"]'


def _delay(milliseconds: int, jitter: int | None, name: str) -> dict[str, Any]:
    delay: dict[str, Any] = {
        "durationMilliseconds": milliseconds,
        "durationFrom": {"expressionFrom": _annotation(name)},
    }
    if jitter is not None and jitter > milliseconds:
        delay["jitterDurationMilliseconds"] = jitter
        delay["jitterDurationFrom"] = {"expressionFrom": _annotation(name)}
    return delay


def _node() -> dict[str, Any]:
    template = """
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
addresses:
- type: InternalIP
  address: 127.0.0.1
- type: Hostname
  address: {{ .metadata.name | Quote }}
allocatable:
{{ with .status.allocatable }}{{ YAML . 1 }}{{ else }}
  cpu: "16"
  memory: 64Gi
  pods: "110"
{{ end }}
capacity:
{{ with .status.capacity }}{{ YAML . 1 }}{{ else }}
  cpu: "16"
  memory: 64Gi
  pods: "110"
{{ end }}
phase: Running
"""
    return _stage(
        "node-initialize",
        "Node",
        {
            "selector": {
                "matchExpressions": [
                    _expression(
                        '.status.conditions.[] | select( .type == "Ready" ) | .status',
                        "NotIn",
                        "True",
                    )
                ]
            },
            "next": {"statusTemplate": template},
        },
    )


def _running(*, ready: bool, terminated: bool = False) -> str:
    state = (
        "    terminated:\n      exitCode: 0\n      reason: Completed\n"
        "      startedAt: {{ $now | Quote }}\n      finishedAt: {{ $now | Quote }}"
        if terminated
        else "    running:\n      startedAt: {{ $now | Quote }}"
    )
    phase = "Succeeded" if terminated else "Running"
    flag = "true" if ready else "false"
    return f"""
{{{{ $now := Now }}}}
conditions:
- lastTransitionTime: {{{{ $now | Quote }}}}
  status: "True"
  type: Initialized
- lastTransitionTime: {{{{ $now | Quote }}}}
  status: "{flag.capitalize()}"
  type: Ready
- lastTransitionTime: {{{{ $now | Quote }}}}
  status: "{flag.capitalize()}"
  type: ContainersReady
containerStatuses:
{{{{ range .spec.containers }}}}
- image: {{{{ .image | Quote }}}}
  name: {{{{ .name | Quote }}}}
  ready: {flag}
  restartCount: 0
  state:
{state}
{{{{ end }}}}
hostIP: 127.0.0.1
podIP: {_POD_IP}
phase: {phase}
startTime: {{{{ $now | Quote }}}}
"""


def _fresh(*more: dict[str, Any]) -> dict[str, Any]:
    return {
        "matchExpressions": [
            _expression(".metadata.deletionTimestamp", "DoesNotExist"),
            _expression(".status.podIP", "DoesNotExist"),
            *more,
        ]
    }


def _pod_ready(ready_ms: int, jitter_ms: int) -> dict[str, Any]:
    never = _expression(_annotation("never-ready"), "DoesNotExist")
    return _stage(
        "pod-ready",
        "Pod",
        {
            "selector": _fresh(never),
            "delay": _delay(ready_ms, jitter_ms, "ready-ms"),
            "next": {"statusTemplate": _running(ready=True)},
        },
    )


def _pod_never_ready() -> dict[str, Any]:
    never = _expression(_annotation("never-ready"), "Exists")
    return _stage(
        "pod-never-ready",
        "Pod",
        {"selector": _fresh(never), "next": {"statusTemplate": _running(ready=False)}},
    )


def _pod_complete() -> dict[str, Any]:
    return _stage(
        "pod-complete",
        "Pod",
        {
            "selector": {
                "matchExpressions": [
                    _expression(".metadata.deletionTimestamp", "DoesNotExist"),
                    _expression(".status.phase", "In", "Running"),
                    _expression(".metadata.ownerReferences.[].kind", "In", "Job"),
                    _expression(_annotation("complete-ms"), "Exists"),
                ]
            },
            "delay": _delay(5000, None, "complete-ms"),
            "next": {"statusTemplate": _running(ready=False, terminated=True)},
        },
    )


def _pod_delete(delete_ms: int) -> dict[str, Any]:
    return _stage(
        "pod-delete",
        "Pod",
        {
            "selector": {
                "matchExpressions": [
                    _expression(".metadata.deletionTimestamp", "Exists"),
                    _expression(".metadata.finalizers.[]", "DoesNotExist"),
                ]
            },
            "delay": _delay(delete_ms, None, "delete-ms"),
            "next": {"delete": True},
        },
    )
