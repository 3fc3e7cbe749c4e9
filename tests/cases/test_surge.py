"""SurgeFirst beside tools that set the replicas of a Deployment themselves."""

import pytest

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.preflight.findings import Severity
from tests.support.preflight_cluster import PreflightCluster, deployment

SURGE = {"singletons": "SurgeFirst"}

REPLACES = "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}"
ARGO = "annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:default/web'}"
OLD_ARGO = "labels: {argocd.argoproj.io/instance: shop}"
FLUX = "labels: {kustomize.toolkit.fluxcd.io/name: shop}"
FLUX_HELM = "labels: {helm.toolkit.fluxcd.io/name: shop, app.kubernetes.io/managed-by: Helm}"
HELM = "labels: {app.kubernetes.io/managed-by: Helm}"


def fields(manager: str, subresource: str = "") -> str:
    """managedFields of a writer of spec.replicas."""
    of = f", subresource: {subresource}" if subresource else ""
    return (
        f"managedFields: [{{manager: {manager}{of}, fieldsV1: {{f:spec: {{f:replicas: {{}}}}}}}}]"
    )


def single(mark: str, strategy: str = "", replicas: int = 1) -> PreflightCluster:
    """A cluster with one Deployment that carries these marks."""
    text = deployment("web", "hostPID: false", replicas)
    text = text.replace("{name: web}\nspec:", f"{{name: web, {mark}}}\nspec:")
    cluster = PreflightCluster()
    cluster.apply(text.replace("  template:", f"  {strategy}\n  template:"))
    return cluster


MANAGED = {
    "argo": (ARGO, "surge.gitops", "Argo CD"),
    "argo, by label": (OLD_ARGO, "surge.gitops", "Argo CD"),
    "argo, by its fields": (fields("argocd-controller"), "surge.gitops", "Argo CD"),
    "flux": (FLUX, "surge.gitops", "Flux"),
    "flux, a helm release": (FLUX_HELM, "surge.gitops", "Flux"),
    "flux, by its fields": (fields("kustomize-controller"), "surge.gitops", "Flux"),
    "an HPA": (fields("kube-controller-manager", "scale"), "surge.hpa", "an autoscaler"),
    "KEDA": (fields("keda-operator", "scale"), "surge.hpa", "an autoscaler"),
}


@pytest.mark.parametrize("name", MANAGED)
def test_a_managed_deployment_is_restarted_where_that_surges(name: str) -> None:
    mark, check, who = MANAGED[name]
    [finding] = single(mark).findings(check, drain=SURGE)
    assert finding.severity is Severity.FIXED
    assert f"{who} sets its replicas; its rollout is restarted" in finding.message
    assert not single(mark).findings(check), "an eviction adds no replica"


@pytest.mark.parametrize("name", MANAGED)
def test_a_managed_deployment_is_not_evicted_where_it_would_be_undone(name: str) -> None:
    mark, check, who = MANAGED[name]
    cluster = single(mark, REPLACES)
    [finding] = cluster.findings(check, drain=SURGE)
    assert (finding.severity, finding.final) == (Severity.BLOCK, True)
    assert finding.cause is Cause.SURGE_UNDONE
    assert f"{who} sets the replicas of Deployment default/web" in finding.message
    assert "maxSurge: 1, maxUnavailable: 0" in finding.remedy
    assert ("HorizontalPodAutoscaler" in finding.remedy) is (check == "surge.hpa")


@pytest.mark.parametrize("mark", [fields("kubectl", "scale"), fields("helm"), "labels: {a: b}"])
def test_what_nobody_sets_back_is_surged(mark: str) -> None:
    cluster = single(mark, REPLACES)
    assert not cluster.findings("surge.gitops", drain=SURGE)
    assert not cluster.findings("surge.hpa", drain=SURGE)


def test_helm_alone_is_reported_and_surged() -> None:
    [finding] = single(HELM, REPLACES).findings("surge.gitops", drain=SURGE)
    assert finding.severity is Severity.INFO
    assert "do not upgrade the release" in finding.message
