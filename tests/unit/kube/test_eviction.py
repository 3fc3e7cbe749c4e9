"""What the eviction API's answers mean."""

import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResult, classify
from azure_linux_migrator.errors import KubernetesError


def status(cause: str) -> dict[str, object]:
    return {"details": {"causes": [{"reason": cause}]}}


@pytest.mark.parametrize(
    ("code", "message", "body", "expected"),
    [
        (404, "not found", {}, EvictionResult.GONE),
        (409, "conflict", {}, EvictionResult.CONFLICT),
        (429, "Cannot evict pod", status("DisruptionBudget"), EvictionResult.BUDGET),
        (429, "Too many requests", {}, EvictionResult.THROTTLED),
        (403, "is forbidden", {}, EvictionResult.FORBIDDEN),
        (403, "", status("NamespaceTerminating"), EvictionResult.NAMESPACE_TERMINATING),
        (403, "", status("DisruptionBudgetNegativeAllowedDisruptions"), EvictionResult.NEGATIVE),
        (
            500,
            "This pod has more than one PodDisruptionBudget, which is not supported.",
            {},
            EvictionResult.TWO_BUDGETS,
        ),
        (500, "etcd", {}, EvictionResult.SERVER),
        (0, "no answer", {}, EvictionResult.SERVER),
        (400, 'admission webhook "x" denied the request', {}, EvictionResult.WEBHOOK),
        (409, 'admission webhook "x" denied the request', {}, EvictionResult.WEBHOOK),
    ],
)
def test_classify(
    code: int, message: str, body: dict[str, object], expected: EvictionResult
) -> None:
    assert classify(KubernetesError(code, message, body=body)).result is expected
