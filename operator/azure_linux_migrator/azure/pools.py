"""From ARM's JSON of an agent pool to the core's record of it."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.azure.failures import classify_failure, codes_in
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.pool import Failure, Pool


def pool_record(body: Mapping[str, Any]) -> Pool:
    """A pool as the AKS API shows it (its name and `properties`)."""
    found = body.get("properties") or {}
    return Pool(
        name=str(body.get("name") or ""),
        os_sku=str(found.get("osSKU") or ""),
        os_type=str(found.get("osType") or "Linux"),
        mode=str(found.get("mode") or "User"),
        count=int(found.get("count") or 0),
        vm_size=str(found.get("vmSize") or ""),
        state=str(found.get("provisioningState") or ""),
        power=str((found.get("powerState") or {}).get("code") or "Running"),
        autoscaling=bool(found.get("enableAutoScaling")),
        kind=str(found.get("type") or "VirtualMachineScaleSets"),
        etag=str(found.get("eTag") or ""),
        tags=tuple(sorted((found.get("tags") or {}).items())),
        properties=dict(found),
        failure=failure_of(found),
    )


def failure_of(properties: Mapping[str, Any]) -> Failure | None:
    """Why a pool's last operation failed: its `status.provisioningError`, classified.

    A failed operation wraps its cause in its details, or as a code in its text.
    """
    found = (properties.get("status") or {}).get("provisioningError") or {}
    if properties.get("provisioningState") != "Failed" or not found.get("code"):
        return None
    code, message = str(found["code"]), str(found.get("message") or "")
    inner = tuple(codes_in(found))[1:]
    judged = classify_failure(AzureError(code, message, status=200, more_codes=inner))
    text = f"{message} ({code})" + (f"; {judged.remedy}" if judged.remedy else "")
    return Failure(judged.reason, text, judged.retryable, judged.delay)
