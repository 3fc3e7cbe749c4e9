"""Manifests for the tests of evictions; kwok acts on the pods without delay."""

from typing import Any

from azure_linux_migrator.api.names import AGENTPOOL_LABEL
from testbed.fill.workloads import deployment, job
from testbed.stages import PREFIX

Manifest = dict[str, Any]

POOL = "evict"
AT_ONCE = {"ready-ms": "1ms", "delete-ms": "1ms"}
NEVER = {"never-ready": "true", "delete-ms": "1ms"}

ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def template(app: str, *, ready: bool = True) -> Manifest:
    """Metadata of a pod."""
    times = AT_ONCE if ready else NEVER
    annotations = {f"{PREFIX}{key}": value for key, value in times.items()}
    return {"labels": {"app": app}, "annotations": annotations}


def pod_spec(**more: Any) -> Manifest:
    """A pod's spec, with what the test wants of it."""
    container = {"name": "app", "image": "registry.example/app:1"}
    return {"containers": [container], "terminationGracePeriodSeconds": 30} | more


def replicas(name: str, count: int, namespace: str) -> Manifest:
    """A Deployment on the nodes of this directory's tests."""
    manifest = deployment(name, count, namespace, annotations=AT_ONCE)
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {AGENTPOOL_LABEL: POOL}
    return manifest


def endless_job(name: str, namespace: str) -> Manifest:
    """A Job, a controller without /scale, whose pod does not end while the test runs."""
    manifest = job(name, 3_600_000, namespace)
    manifest["spec"]["template"]["metadata"]["annotations"] |= template(name)["annotations"]
    return manifest


def named(kind: str, version: str, name: str, spec: Manifest) -> Manifest:
    """A cluster-wide object."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def admission(kind: str, name: str, spec: Manifest) -> Manifest:
    """A policy of the admission chain, or its binding."""
    return named(kind, "admissionregistration.k8s.io/v1", name, spec)


def rule(resource: str, group: str, operation: str) -> Manifest:
    """One of an admission policy's resourceRules."""
    head = {"apiGroups": [group], "apiVersions": ["v1"]}
    return head | {"operations": [operation], "resources": [resource]}


def only_in(namespace: str) -> list[Manifest]:
    """Match conditions that limit an admission policy to a namespace."""
    return [{"name": "here", "expression": f"request.namespace == '{namespace}'"}]
