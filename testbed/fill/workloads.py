"""Workloads as manifests. The times of kwok are annotations that stages.py reads."""

from typing import Any

from testbed.stages import PREFIX

Manifest = dict[str, Any]

ANYWHERE = [{"operator": "Exists"}]


def _template(
    name: str,
    *,
    annotations: dict[str, str] | None = None,
    tolerations: list[Manifest] | None = None,
    volumes: list[Manifest] | None = None,
    scheduling: Manifest | None = None,
) -> Manifest:
    """A pod template; `scheduling` are further fields of its spec, such as an affinity."""
    container = {"name": "app", "image": f"registry.example/{name}:1"}
    container |= {"resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}  # type: ignore[dict-item]
    spec: Manifest = {"containers": [container], "terminationGracePeriodSeconds": 30}
    if tolerations:
        spec["tolerations"] = tolerations
    if volumes:
        spec["volumes"] = volumes
    spec |= scheduling or {}
    times = {f"{PREFIX}{key}": value for key, value in (annotations or {}).items()}
    return {"metadata": {"labels": {"app": name}, "annotations": times}, "spec": spec}


def _object(kind: str, version: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def budget(name: str, namespace: str = "default", **limit: int | str) -> Manifest:
    """A PodDisruptionBudget with `maxUnavailable=…` or `minAvailable=…`."""
    spec = {"selector": {"matchLabels": {"app": name}}, **limit}
    return _object("PodDisruptionBudget", "policy/v1", name, namespace, spec)


def deployment(name: str, replicas: int, namespace: str = "default", **template: Any) -> Manifest:
    """A Deployment."""
    selector = {"matchLabels": {"app": name}}
    spec = {"replicas": replicas, "selector": selector, "template": _template(name, **template)}
    return _object("Deployment", "apps/v1", name, namespace, spec)


def statefulset(
    name: str,
    replicas: int,
    namespace: str = "default",
    *,
    policy: str = "Parallel",
    **template: Any,
) -> Manifest:
    """A StatefulSet whose pods start in parallel, or one by one with the policy OrderedReady."""
    spec = {
        "replicas": replicas,
        "serviceName": name,
        "podManagementPolicy": policy,
        "selector": {"matchLabels": {"app": name}},
        "template": _template(name, **template),
    }
    return _object("StatefulSet", "apps/v1", name, namespace, spec)


def daemonset(name: str, namespace: str = "kube-system") -> Manifest:
    """A DaemonSet that runs on every node, cordoned ones too."""
    selector = {"matchLabels": {"app": name}}
    spec = {"selector": selector, "template": _template(name, tolerations=ANYWHERE)}
    return _object("DaemonSet", "apps/v1", name, namespace, spec)


def job(name: str, complete_ms: int, namespace: str = "default") -> Manifest:
    """A Job whose pod succeeds after that time."""
    template = _template(name, annotations={"complete-ms": f"{complete_ms}ms"})
    template["spec"]["restartPolicy"] = "Never"
    return _object("Job", "batch/v1", name, namespace, {"template": template})


def uniform(deployments: int, replicas: int, max_unavailable: int | str) -> list[Manifest]:
    """Deployments of one size, each with a budget."""
    return [
        manifest
        for index in range(deployments)
        for manifest in (
            deployment(f"app-{index:02d}", replicas),
            budget(f"app-{index:02d}", maxUnavailable=max_unavailable),
        )
    ]


def demo() -> list[Manifest]:
    """A small production cluster: shops and caches, and the add-ons of AKS in kube-system."""
    scratch = [{"name": "scratch", "emptyDir": {}}]
    critical: dict[str, Any] = {"namespace": "kube-system"}
    return [
        deployment("shop", 12),
        budget("shop", maxUnavailable="25%"),
        deployment("checkout", 6),
        budget("checkout", minAvailable=4),
        deployment("search", 8, volumes=scratch),
        budget("search", maxUnavailable=2),
        deployment("mailer", 4, annotations={"delete-ms": "4000ms"}),
        budget("mailer", maxUnavailable=2),
        deployment("thumbnails", 5),
        statefulset("ledger", 3),
        budget("ledger", maxUnavailable=1),
        job("report", 12_000),
        daemonset("log-agent", "default"),
        deployment("coredns", 2, **critical),
        budget("coredns", maxUnavailable=1, **critical),
        deployment("metrics-server", 2, **critical),
        budget("metrics-server", minAvailable=1, **critical),
        deployment("konnectivity-agent", 2, **critical),
        budget("konnectivity-agent", maxUnavailable=1, **critical),
        *(daemonset(n) for n in ("csi-azuredisk-node", "csi-azurefile-node", "azure-cns")),
        daemonset("kube-proxy"),
    ]
