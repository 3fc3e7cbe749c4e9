"""Who else sets the number of a Deployment's replicas, by the marks that tools leave on it.

Sources: argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking,
fluxcd.io/flux/components/kustomize/kustomizations, helm.sh/docs/chart_best_practices/labels,
kubernetes.io/docs/reference/using-api/server-side-apply (managedFields).
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from azure_linux_migrator.model.cluster import ScaleOwner

ARGO_MARKS = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
FLUX_MARKS = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
HELM_MARK = "meta.helm.sh/release-name"
MANAGED_BY = "app.kubernetes.io/managed-by"
ARGO_MANAGERS = frozenset({"argocd-controller", "argocd-application-controller"})
FLUX_MANAGERS = frozenset({"kustomize-controller", "helm-controller"})


class _SpecFields(Struct):
    replicas: dict[str, object] | None = field(default=None, name="f:replicas")


class _Fields(Struct):
    spec: _SpecFields = field(default_factory=_SpecFields, name="f:spec")


class ManagedFields(Struct, rename="camel"):
    """metadata.managedFields[], as far as it shows who set spec.replicas."""

    manager: str = ""
    subresource: str = ""
    fields: _Fields = field(default_factory=_Fields, name="fieldsV1")

    @property
    def sets_replicas(self) -> bool:
        """Whether spec.replicas is what this manager set it to last."""
        return self.fields.spec.replicas is not None


def scale_owner(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    managed: Iterable[ManagedFields],
) -> ScaleOwner:
    """Who would set the scale back; the one that acts soonest where there are several.

    An autoscaler writes the scale subresource; kubectl does so too, and is a person.
    """
    managers = [entry for entry in managed if entry.sets_replicas]
    names = {entry.manager for entry in managers}
    marks = {**labels, **annotations}
    if any(mark in marks for mark in ARGO_MARKS) or names & ARGO_MANAGERS:
        return ScaleOwner.ARGO_CD
    if any(mark in marks for mark in FLUX_MARKS) or names & FLUX_MANAGERS:
        return ScaleOwner.FLUX
    scalers = {entry.manager for entry in managers if entry.subresource == "scale"}
    if any(not name.startswith("kubectl") for name in scalers):
        return ScaleOwner.AUTOSCALER
    if HELM_MARK in annotations or labels.get(MANAGED_BY) == "Helm":
        return ScaleOwner.HELM
    return ScaleOwner.NOBODY
