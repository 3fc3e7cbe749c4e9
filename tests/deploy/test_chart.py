"""The Helm chart: the same objects as the kustomize base, bad values refused by name, and an
installation on the real control plane. `make chart` builds helm; without it these tests skip."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testbed.binaries import built
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.kubectl import kubectl, run_kubectl
from tests.support.helm import (
    CHART,
    NAMESPACE,
    ROOT,
    VALUES,
    Object,
    helm,
    kustomized,
    merged,
    named,
    rendered,
)

TOLD_APART = ("app.kubernetes.io/instance", "app.kubernetes.io/version", "helm.sh/")


def essence(item: Object) -> Object:
    """An object without what names its release, its source, and the policies of helm."""
    metadata = dict(item["metadata"])
    for field in ("labels", "annotations"):
        kept = {
            key: value
            for key, value in (metadata.pop(field, None) or {}).items()
            if not key.startswith((*TOLD_APART, "app.kubernetes.io/managed-by"))
        }
        if kept:
            metadata[field] = kept
    return item | {"metadata": metadata}


def test_the_chart_and_the_kustomize_base_are_the_same_objects() -> None:
    chart = rendered()
    base = kustomized("deploy/kustomize/overlays/example")
    del base["Namespace/azlm-system"]  # helm creates it: --create-namespace
    del chart["Pod/azlm-test-ready"]
    # kustomize adds a hash of its content to a ConfigMap's name, the chart one to the pods.
    [config] = [name for name in base if name.startswith("ConfigMap/azlm-cluster-")]
    expected = base.pop(config)["data"]
    assert chart.pop("ConfigMap/azlm-cluster")["data"] == expected | {"AZLM_CLOUD": "public"}
    assert set(chart) == set(base)
    chart_pod, base_pod = (side["Deployment/azlm"]["spec"]["template"] for side in (chart, base))
    del chart_pod["metadata"]["annotations"]["checksum/cluster"]
    assert chart_pod["metadata"].pop("annotations") == {}
    container = chart_pod["spec"]["containers"][0]
    assert container.pop("imagePullPolicy") == "IfNotPresent"
    base_pod["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"] = "azlm-cluster"
    client = "azure.workload.identity/client-id"
    assert (
        chart["ServiceAccount/azlm"]["metadata"]["annotations"][client]
        == base["ServiceAccount/azlm"]["metadata"]["annotations"][client]
    )
    for name, item in chart.items():
        assert essence(item) == essence(base[name]), name


@pytest.mark.parametrize("name", ["force", "surge", "conditions", "scale"])
def test_a_right_is_the_kustomize_component(name: str) -> None:
    chart = rendered({"rights": {name: True}})
    documents = yaml.safe_load_all(
        (ROOT / "deploy" / "kustomize" / "components" / name / "rbac.yaml").read_text()
    )
    for key, item in named(documents).items():
        assert essence(chart[key]) == essence(item)
    assert f"ClusterRole/azlm-{name}" not in rendered()


def test_the_definition_is_that_of_crds_and_is_kept() -> None:
    source = (ROOT / "crds" / "azurelinuxmigrations.azlm.dev.yaml").read_text()
    assert (CHART / "files" / "crd.yaml").read_text() == source, "run make crds"
    name = "CustomResourceDefinition/azurelinuxmigrations.azlm.dev"
    definition = rendered()[name]
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert definition["spec"] == yaml.safe_load(source)["spec"]
    assert name not in rendered({"crds": {"install": False}})
    assert "annotations" not in rendered({"crds": {"keep": False}})[name]["metadata"]


def test_the_version_has_one_number() -> None:
    project = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert project is not None
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert {chart["version"], str(chart["appVersion"])} == {project[1]}


def test_an_image_is_taken_by_its_digest() -> None:
    digest = f"sha256:{'0' * 64}"
    pod = rendered({"image": {"digest": digest}})["Deployment/azlm"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"example.azurecr.io/azlm@{digest}"


def test_monitors_and_policies_are_asked_for() -> None:
    assert not {*map(kind_of, rendered())} & {"PodMonitor", "NetworkPolicy"}
    more = {
        "metrics": {"podMonitor": {"enabled": True, "azure": True}},
        "networkPolicy": {"enabled": True},
        "log": {"format": "json"},
    }
    chart = rendered(more)
    assert chart["PodMonitor/azlm"]["apiVersion"] == "azmonitoring.coreos.com/v1"
    policy = chart["NetworkPolicy/azlm"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    arguments = chart["Deployment/azlm"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-2:] == ["--log-format", "json"]


def test_rules_and_dashboards_are_those_of_monitoring() -> None:
    monitoring = ROOT / "deploy" / "monitoring"
    names = {"PrometheusRule/azlm", "ConfigMap/azlm-dashboards"}
    assert not names & set(rendered())
    labels = {"labels": {"release": "monitoring"}}
    asked = {"rules": {"enabled": True, **labels}, "dashboards": {"enabled": True}}
    chart = rendered({"metrics": asked})
    rule = chart["PrometheusRule/azlm"]
    assert rule["spec"] == yaml.safe_load((monitoring / "rules.yaml").read_text())["spec"]
    assert rule["metadata"]["labels"]["release"] == "monitoring"
    config = chart["ConfigMap/azlm-dashboards"]
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    files = {file.name: file.read_text() for file in (monitoring / "grafana").glob("*.json")}
    assert config["data"] == files


def test_alerts_link_to_where_the_runbooks_are_read() -> None:
    page = "https://docs.example.com/azlm/runbooks.html"
    chart = rendered({"metrics": {"rules": {"enabled": True, "runbooks": page}}})
    groups = chart["PrometheusRule/azlm"]["spec"]["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert alerts
    for alert in alerts:
        assert alert["annotations"].keys() == {"summary", "runbook_url"}
        assert alert["annotations"]["runbook_url"] == f"{page}#{alert['alert'].lower()}"


def kind_of(name: str) -> str:
    return name.partition("/")[0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image": {"repository": ""}}, "image.repository is not set"),
        ({"identity": {"clientID": ""}}, "identity.clientID is not set"),
        ({"identity": {"clientID": "me"}}, "/identity/clientID"),
        ({"cluster": {"subscriptionID": "x"}}, "/cluster/subscriptionID"),
        ({"cluster": {"name": ""}}, "cluster.name is not set"),
        ({"cluster": {"cloud": "mars"}}, "/cluster/cloud"),
        ({"cluster": {"aksAPIVersion": "newest"}}, "/cluster/aksAPIVersion"),
        ({"replicas": 0}, "/replicas"),
        ({"replicas": "two"}, "/replicas"),
        ({"image": {"digest": "sha256:1"}}, "/image/digest"),
        ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
        ({"log": {"format": "xml"}}, "/log/format"),
        ({"metrics": {"port": 80}}, "/metrics/port"),
        ({"rights": {"delete": True}}, "delete"),
        ({"replica": 2}, "replica"),
        ({"replicas": None}, "missing property 'replicas'"),
        ({"image": None}, "missing property 'image'"),
        ({"networkPolicy": {"egressPorts": None}}, "missing property 'egressPorts'"),
        ({"cluster": {"resourceGroup": "a/b"}}, "/cluster/resourceGroup"),
        ({"cluster": {"name": "-x"}}, "/cluster/name"),
        ({"image": {"repository": "https://example.azurecr.io/azlm"}}, "/image/repository"),
        ({"image": {"repository": "example.azurecr.io/azlm:1.0"}}, "/image/repository"),
        ({"image": {"tag": 1.2}}, "/image/tag"),
        ({"image": {"pullSecrets": ["registry"]}}, "/image/pullSecrets/0"),
        ({"resources": {"limit": {}}}, "'limit'"),
        ({"resources": {"limits": {"memory": "512mb"}}}, "/resources/limits/memory"),
        ({"priorityClassName": "System"}, "/priorityClassName"),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, "/nodeSelector/kubernetes.io~1os"),
        ({"nodeSelector": {"spot": False}}, "/nodeSelector/spot"),
        ({"tolerations": [{"key": "x", "effect": "Never"}]}, "/tolerations/0/effect"),
        ({"topologySpreadConstraints": [{"maxSkew": 1}]}, "/topologySpreadConstraints/0"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, "/podLabels/app.kubernetes.io~1name"),
        ({"podLabels": {"team": "a b"}}, "/podLabels/team"),
        ({"podAnnotations": {"checksum/cluster": "x"}}, "/podAnnotations/checksum~1cluster"),
        ({"extraEnv": [{"name": "A", "val": "x"}]}, "/extraEnv/0"),
        ({"extraEnv": [{"name": "POD_NAME", "value": "x"}]}, "/extraEnv/0/name"),
        ({"metrics": {"podMonitor": {"interval": "30"}}}, "/metrics/podMonitor/interval"),
        ({"metrics": {"dashboards": {"labels": {"a": 1}}}}, "/metrics/dashboards/labels/a"),
        ({"networkPolicy": {"metricsFrom": [{}]}}, "/networkPolicy/metricsFrom/0"),
        ({"crds": {"keep": "yes"}}, "/crds/keep"),
    ],
)
def test_a_bad_value_is_refused_by_name(values: Object, words: str) -> None:
    done = helm("template", "azlm", str(CHART), "-n", NAMESPACE, values=merged(VALUES, values))
    assert done.returncode != 0
    assert words in done.stderr, done.stderr


def test_values_that_are_often_set_are_accepted() -> None:
    """The schema knows the fields of the Kubernetes API that these values are made of."""
    selector = {"matchLabels": {"app.kubernetes.io/name": "azlm"}}
    rendered(
        {
            "image": {
                "repository": "localhost:5000/team/azlm_dev",
                "tag": "v1.2.3-rc.1",
                "pullSecrets": [{"name": "registry"}],
            },
            "cluster": {"resourceGroup": "Größe_(1).test-rg", "aksAPIVersion": "2026-02-01"},
            "resources": {"limits": {"cpu": 1, "memory": "1.5Gi"}},
            "priorityClassName": "",
            "nodeSelector": {"kubernetes.azure.com/mode": "system"},
            "tolerations": [
                {"operator": "Exists"},
                {"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 60},
            ],
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": selector,
                }
            ],
            "podAnnotations": {"example.com/note": "any text: 1, 2"},
            "extraEnv": [
                {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"},
                {"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            ],
            "metrics": {"podMonitor": {"enabled": True, "interval": "1m30s"}},
            "networkPolicy": {
                "enabled": True,
                "metricsFrom": [
                    {"namespaceSelector": {}, "podSelector": selector},
                    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                ],
            },
        }
    )


def test_the_unit_tests_of_the_chart_pass_and_are_counted() -> None:
    binary = built("helm-unittest")
    if binary is None:
        pytest.skip("helm-unittest is not built here: make chart")
    done = subprocess.run(
        [str(binary), "--strict", str(CHART)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    [(passed, total)] = re.findall(
        r"^Tests:\s+(\d+) passed, (\d+) total$", done.stdout, re.MULTILINE
    )
    assert passed == total
    for page in (CHART / "README.md.gotmpl", ROOT / "docs" / "install.md"):
        assert f"{total} unit tests" in " ".join(page.read_text().split())


def test_it_lints() -> None:
    done = helm("lint", str(CHART), "--strict")
    assert done.returncode == 0, done.stdout


def test_the_overlay_leaves_the_name_of_the_lease_alone() -> None:
    """kustomize renames what has the name of a ConfigMap that it generates, in roles too."""
    objects = kustomized("deploy/kustomize/overlays/example")
    named_rules = [
        rule["resourceNames"]
        for item in objects.values()
        for rule in item.get("rules", ())
        if "leases" in rule["resources"] and "resourceNames" in rule
    ]
    assert named_rules == [["azlm"]] * 2


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    plane = ControlPlane.start(tmp_path, ready_ms=300, ready_jitter_ms=800, delete_ms=300)
    try:
        yield plane
    finally:
        plane.stop()


@pytest.mark.cluster
def test_it_is_installed_upgraded_and_uninstalled(plane: ControlPlane) -> None:
    """On kwok's nodes the pods are Ready without an image."""
    apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
    crd = ("crd", "azurelinuxmigrations.azlm.dev")
    where = ("-n", "azlm-chart", f"--kubeconfig={plane.kubeconfig}", "--wait", "--timeout=90s")
    done = helm("install", "azlm", str(CHART), "--create-namespace", *where)
    assert done.returncode == 0, done.stderr
    assert "azlm preflight -f migration.yaml" in done.stdout
    more = merged(VALUES, {"replicas": 3, "rights": {"surge": True}})
    done = helm("upgrade", "azlm", str(CHART), *where, values=more)
    assert done.returncode == 0, done.stderr
    ready = kubectl(
        plane.kubeconfig,
        *(
            "get",
            "deployment",
            "azlm",
            "-n",
            "azlm-chart",
            "-o",
            "jsonpath={.status.readyReplicas}",
        ),
    )
    assert ready == "3"
    binary = built("helm")
    assert binary is not None
    gone = subprocess.run(
        [str(binary), "uninstall", "azlm", *where], capture_output=True, text=True, check=False
    )
    assert gone.returncode == 0, gone.stderr
    assert "azurelinuxmigrations.azlm.dev" in kubectl(plane.kubeconfig, "get", *crd, "-o", "name")
    left = run_kubectl(plane.kubeconfig, "get", "clusterrole", "azlm-surge")
    assert "NotFound" in left.stderr
