"""What pods expect of their node's OS and of its disk (cases 09, 15, 26)."""

import pytest

from azure_linux_migrator.core.preflight.findings import Severity
from tests.support.preflight_cluster import PreflightCluster

SECURE = {"securityProfile": {"enableVTPM": True, "enableSecureBoot": True}}


def workload(kind: str, name: str, pod: str, annotations: str = "") -> str:
    """A workload of one replica, or one for each node, whose pod spec is this."""
    return f"""
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, namespace: kube-system}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}, annotations: {{{annotations}}}}}
    spec: {pod}
---
"""


OLD_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/app: runtime/default"


@pytest.mark.parametrize(
    ("pod", "annotations"),
    [
        ("{securityContext: {appArmorProfile: {type: RuntimeDefault}}}", ""),
        ("{containers: [{name: a, securityContext: {appArmorProfile: {type: Localhost}}}]}", ""),
        (
            "{initContainers: [{name: a, securityContext: {appArmorProfile: {type: Localhost}}}]}",
            "",
        ),
        ("{containers: [{name: app}]}", OLD_ANNOTATION),
    ],
)
def test_a_target_without_apparmor_rejects_every_profile(pod: str, annotations: str) -> None:
    cluster = PreflightCluster(properties=SECURE)
    cluster.apply(workload("Deployment", "vmagent", pod, annotations))
    [finding] = cluster.findings("os.apparmor", target={"osSKU": "AzureContainerLinux"})
    assert finding.blocks
    assert "kubelet rejects such pods" in finding.message


def test_the_default_profile_needs_nothing_of_azure_linux() -> None:
    cluster = PreflightCluster()
    default = "{securityContext: {appArmorProfile: {type: RuntimeDefault}}}"
    cluster.apply(workload("Deployment", "vmagent", default))
    assert not cluster.findings("os.apparmor")


def test_a_seccomp_profile_of_the_node() -> None:
    cluster = PreflightCluster()
    profile = "{type: Localhost, localhostProfile: audit.json}"
    cluster.apply(
        workload("Deployment", "a", f"{{securityContext: {{seccompProfile: {profile}}}}}")
    )
    cluster.apply(
        workload("Deployment", "b", "{securityContext: {seccompProfile: {type: Unconfined}}}")
    )
    [finding] = cluster.findings("os.seccomp")
    assert finding.severity is Severity.WARN
    assert finding.subject == "Deployment kube-system/a"


INSTALLER = """
      hostPID: true
      initContainers:
      - name: install
        securityContext: {privileged: true}
        command: [nsenter, --mount=/proc/1/ns/mnt, --, bash, -c]
        args: ["apt-get update;apt-get install -y nfs && modprobe iscsi"]
      containers: [{name: sleep}]
"""
BLOB = """
      hostPID: true
      initContainers:
      - name: install
        command: [/proxy/init.sh]
        securityContext: {privileged: true}
        volumeMounts: [{name: usr, mountPath: /host/usr}, {name: etc, mountPath: /host/etc}]
      containers: [{name: blob}]
      volumes: [{name: usr, hostPath: {path: /usr}}, {name: etc, hostPath: {path: /etc/}}]
"""


def test_installers_in_init_containers_are_seen() -> None:
    cluster = PreflightCluster()
    cluster.apply(
        workload("DaemonSet", "node-setup", INSTALLER) + workload("DaemonSet", "blob", BLOB)
    )
    by_subject = {finding.subject: finding for finding in cluster.findings("os.pkg-manager")}
    assert "apt-get, nsenter" in by_subject["DaemonSet kube-system/node-setup"].message
    assert "writes to /etc/, /usr" in by_subject["DaemonSet kube-system/blob"].message
    [modules] = cluster.findings("os.kernel-module")
    assert modules.severity is Severity.WARN
    assert "modprobe" in modules.message


def test_what_only_reads_the_node_does_not_change_it() -> None:
    cluster = PreflightCluster()
    read_only = BLOB.replace("mountPath", "readOnly: true, mountPath")
    cluster.apply(workload("DaemonSet", "blob", read_only))
    assert not cluster.findings("os.pkg-manager")


def test_kernel_parameters_set_by_a_command() -> None:
    cluster = PreflightCluster()
    for name, setting in (
        ("search", "vm.max_map_count=262144"),
        ("net", "net.core.somaxconn=1024"),
    ):
        command = f"[sh, -c, sysctl -w {setting}]"
        pod = f"{{initContainers: [{{name: i, command: {command}}}], containers: [{{name: c}}]}}"
        cluster.apply(workload("StatefulSet", name, pod))
    severities = {
        finding.subject: finding.severity for finding in cluster.findings("os.kernel-module")
    }
    assert severities == {
        "StatefulSet kube-system/net": Severity.WARN,
        "StatefulSet kube-system/search": Severity.INFO,
    }


@pytest.mark.parametrize(
    ("host_path", "read_only", "data"),
    [
        ("{path: /mnt/data/postgres, type: DirectoryOrCreate}", "false", True),
        ("{path: /mnt}", "false", True),
        ("{path: /var/lib/promtail}", "false", True),
        ("{path: /var/lib/postgres}", "true", False),
        ("{path: /var/run/docker.sock, type: Socket}", "false", False),
        ("{path: /data/agent.sock, type: Socket}", "false", False),
        ("{path: /var/log/pods}", "false", False),
        ("{path: /var/lib/kubelet/plugins}", "false", False),
        ("{path: /var/lib/kubelet-data}", "false", True),
        ("{path: /}", "false", False),
    ],
)
def test_data_in_a_directory_of_the_node(host_path: str, read_only: str, *, data: bool) -> None:
    mount = f"{{name: d, mountPath: /d, readOnly: {read_only}}}"
    pod = (
        f"{{containers: [{{name: c, volumeMounts: [{mount}]}}], "
        f"volumes: [{{name: d, hostPath: {host_path}}}]}}"
    )
    cluster = PreflightCluster()
    cluster.apply(workload("StatefulSet", "postgres", pod) + workload("DaemonSet", "agent", pod))
    severities = {
        finding.subject: finding.severity
        for finding in cluster.findings("pod.local-data")
        if finding.severity is not Severity.WARN
    }
    expected = {
        "DaemonSet kube-system/agent": Severity.INFO,
        "StatefulSet kube-system/postgres": Severity.BLOCK,
    }
    assert severities == (expected if data else {})
    acknowledged = cluster.preflight(preflight={"acknowledge": ["pod.local-data"]})
    assert acknowledged.reason != "PodsBlocked"


@pytest.mark.parametrize(
    ("path", "mount", "word"),
    [
        ("{path: /opt/licence/key, type: File}", "true", "/opt/licence/key"),
        ("{path: /srv/models, type: Directory}", "true", "/srv/models"),
        ("{path: /etc/localtime, type: File}", "true", ""),
        ("{path: /var/run/agent.sock, type: Socket}", "true", ""),
        ("{path: /}", "true", ""),
    ],
)
def test_what_a_pod_reads_of_its_node_and_the_os_does_not_bring(
    path: str, mount: str, word: str
) -> None:
    cluster = PreflightCluster()
    volume = f"{{name: d, mountPath: /d, readOnly: {mount}}}"
    pod = (
        f"{{containers: [{{name: c, volumeMounts: [{volume}]}}], "
        f"volumes: [{{name: d, hostPath: {path}}}]}}"
    )
    cluster.apply(workload("StatefulSet", "web", pod))
    findings = cluster.findings("pod.local-data")
    assert [finding.severity for finding in findings] == [Severity.WARN] * bool(word)
    assert all(word in finding.message for finding in findings)


@pytest.mark.parametrize("path", ["/usr/lib/x86_64-linux-gnu/libfoo.so", "/var/log/syslog"])
def test_files_that_debian_has_and_azure_linux_has_not(path: str) -> None:
    cluster = PreflightCluster()
    pod = f"{{containers: [{{name: c}}], volumes: [{{name: d, hostPath: {{path: {path}}}}}]}}"
    cluster.apply(workload("DaemonSet", "agent", pod))
    [finding] = cluster.findings("os.pkg-manager")
    assert path in finding.message
