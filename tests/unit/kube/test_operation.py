"""Requests are named without the names of objects, so that labels are bounded."""

import pytest

from azure_linux_migrator.kube.client import operation


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/api/v1/nodes", "list nodes"),
        ("GET", "/api/v1/nodes/a", "get nodes"),
        ("PATCH", "/api/v1/nodes/a", "patch nodes"),
        ("GET", "/api/v1/namespaces/shop", "get namespaces"),
        ("GET", "/api/v1/namespaces/shop/pods/web-0", "get pods"),
        ("POST", "/api/v1/namespaces/shop/pods/web-0/eviction", "create pods/eviction"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/azlm", "update leases"),
        ("PATCH", "/apis/apps/v1/namespaces/a/deployments/b/scale", "patch deployments/scale"),
        (
            "PATCH",
            "/apis/azlm.dev/v1alpha1/azurelinuxmigrations/m/status",
            "patch azurelinuxmigrations/status",
        ),
        ("GET", "/apis/apps/v1", "list discovery"),
        ("GET", "/version", "list discovery"),
    ],
)
def test_operation(method: str, path: str, name: str) -> None:
    assert operation(method, path) == name
