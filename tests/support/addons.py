"""What AKS installs on nearly every cluster, as its own manifests have it in what matters here."""

_BY_LABEL = "kubernetes.azure.com/managedby: aks"
_BY_MODE = "addonmanager.kubernetes.io/mode: Reconcile"
_CACHE = "{name: tmp, emptyDir: {}}"


def addon(
    name: str, replicas: int, *, namespace: str = "kube-system", labels: str = "", volumes: str = ""
) -> str:
    """The Deployment of an add-on."""
    return f"""
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}
spec:
  replicas: {replicas}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      tolerations: [{{key: kubernetes.azure.com/scalesetpriority, operator: Exists}}]
      containers: [{{name: c, resources: {{requests: {{cpu: 10m}}}}}}]
      volumes: [{volumes}]
---
"""


ADDONS = "".join(
    (
        addon("coredns", 2, labels=_BY_MODE, volumes=_CACHE),
        addon("coredns-autoscaler", 1, labels=_BY_MODE),
        addon("konnectivity-agent", 2, labels=_BY_LABEL),
        addon("metrics-server", 2, labels=_BY_LABEL, volumes=_CACHE),
        addon("ama-metrics-ksm", 1, labels=_BY_LABEL),
        addon("ama-logs-rs", 1, labels=_BY_LABEL),
        addon("azure-policy", 1, labels=_BY_LABEL),
        addon("gatekeeper-audit", 1, namespace="gatekeeper-system", volumes=_CACHE),
        addon("calico-typha", 1, namespace="calico-system"),
        addon("nginx", 2, namespace="app-routing-system", labels=_BY_LABEL),
    )
)
