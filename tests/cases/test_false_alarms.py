"""Clusters that are common, and of which no check has anything to say that would be of use."""

from typing import Any

import pytest

from azure_linux_migrator.core.preflight.findings import Severity
from tests.support.addons import ADDONS
from tests.support.cluster_shapes import OVERLAY, ShapedCluster, cluster_of

ALWAYS = frozenset({"maintenance"})
"""Warned of on each of these clusters: an upgrade channel is on."""


def alarms(shape: ShapedCluster) -> set[str]:
    """The checks that block or warn, or could not be made."""
    progress = cluster_of(shape).preflight()
    assert progress.findings is not None
    serious = {Severity.BLOCK, Severity.WARN, Severity.UNCHECKED}
    rules = {finding.rule for finding in progress.findings if finding.severity in serious}
    return rules - ALWAYS


def daemon_set(name: str, *paths: str, namespace: str = "agents", security: str = "{}") -> str:
    """A DaemonSet that mounts directories of its nodes, read-only."""
    names = [f"v{index}" for index in range(len(paths))]
    mounts = ", ".join(f"{{name: {name}, mountPath: /{name}, readOnly: true}}" for name in names)
    volumes = ", ".join(
        f"{{name: {name}, hostPath: {{path: {path}}}}}"
        for name, path in zip(names, paths, strict=True)
    )
    return f"""
kind: DaemonSet
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: c, securityContext: {security}, volumeMounts: [{mounts}]}}]
      volumes: [{volumes}]
---
"""


PRIVILEGED = "{privileged: true}"
CALICO = daemon_set(
    "calico-node", "/lib/modules", "/opt/cni/bin", namespace="calico-system", security=PRIVILEGED
)
DATADOG = daemon_set("datadog", "/etc/apt", "/etc/yum.repos.d", "/etc/zypp", "/proc")
FALCO = daemon_set("falco", "/boot", "/lib/modules", "/usr/src", security=PRIVILEGED)
EXPORTER = daemon_set("node-exporter", "/proc", "/sys", "/")
TIED_TO_DEBIAN = daemon_set("installer", "/etc/apt", "/var/lib/dpkg")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        (ADDONS, set()),
        (CALICO, set()),
        (DATADOG, set()),
        (EXPORTER, set()),
        (FALCO, {"os.kernel-module"}),
        (TIED_TO_DEBIAN, {"os.pkg-manager"}),
    ],
    ids=["add-ons", "Calico", "Datadog", "node exporter", "Falco", "an installer"],
)
def test_agents_that_know_both_oses_are_not_reported(objects: str, expected: set[str]) -> None:
    assert alarms(ShapedCluster("agents", objects=objects)) == expected


def test_add_ons_with_one_replica_are_reported_in_one_line() -> None:
    findings = cluster_of(ShapedCluster("add-ons")).findings("pod.single-replica")
    [info] = [finding for finding in findings if finding.severity is Severity.INFO]
    assert "kube-system/coredns-autoscaler" in info.message
    assert "calico-system/calico-typha" in info.message
    assert "coredns," not in info.message


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"reason": "cost", "season": "winter", "owner": "jason"}, set()),
        ({"managed-by": "team-shop", "capzone": "1"}, set()),
        ({"createdBy": "Terraform"}, {"iac.owner"}),
        ({"iac": "tofu"}, {"iac.owner"}),
        ({"made-by": "ASO"}, {"iac.owner"}),
    ],
)
def test_code_is_recognised_by_whole_words(tags: dict[str, str], expected: set[str]) -> None:
    assert alarms(ShapedCluster("tags", workers={"tags": tags})) == expected


def balancer(**profile: Any) -> dict[str, Any]:
    return OVERLAY | {"loadBalancerProfile": {"allocatedOutboundPorts": 4096} | profile}


TWO = [{"id": "a"}, {"id": "b"}]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"networkPlugin": "none", "podCidr": "10.244.0.0/23"}, set()),
        (balancer(effectiveOutboundIPs=TWO), set()),
        (balancer(effectiveOutboundIPs=TWO, allocatedOutboundPorts=8000), set()),
        (
            balancer(
                effectiveOutboundIPs=TWO,
                managedOutboundIPs={"count": 1, "countIPv6": 1},
                allocatedOutboundPorts=8000,
            ),
            {"outbound.ports"},
        ),
    ],
    ids=["a CNI of their own", "two addresses", "many ports", "one of them IPv6"],
)
def test_a_network_has_the_room_that_it_has(network: dict[str, Any], expected: set[str]) -> None:
    assert alarms(ShapedCluster("network", network=network)) == expected


def test_outbound_addresses_of_a_prefix_are_not_guessed() -> None:
    prefixes = {"publicIPPrefixes": [{"id": "p"}]}
    network = balancer(outboundIPPrefixes=prefixes, effectiveOutboundIPs=[{"id": "p"}])
    progress = cluster_of(ShapedCluster("prefix", network=network)).preflight()
    assert progress.state == "done"
    assert alarms(ShapedCluster("prefix", network=network)) == {"outbound.ports"}


def test_an_older_minor_version_is_told_which_os_sku_fits() -> None:
    shape = ShapedCluster("1.31", workers={"currentOrchestratorVersion": "1.31.3"})
    [finding, *_] = cluster_of(shape).findings("os.target-k8s")
    assert finding.blocks
    assert "set spec.target.osSKU to AzureLinux3" in finding.remedy


def test_another_architecture_is_reported_before_images_fail_on_it() -> None:
    arm = {"vmSize": "Standard_D16ps_v6"}
    [finding] = cluster_of(ShapedCluster("x64")).findings("image.arch-os", target=arm)
    assert finding.blocks
    assert "no Arm64 variant" in finding.message
    for workers, target in (({}, {}), (arm, {}), (arm, arm)):
        [finding] = cluster_of(ShapedCluster("same", workers=workers)).findings(
            "image.arch-os", target=target
        )
        assert finding.severity is Severity.INFO
