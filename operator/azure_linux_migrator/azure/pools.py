"""From ARM's JSON of an agent pool to the core's record of it."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.azure.failures import classify_failure, codes_in, message_of
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.pool import Failure, Pool


def pool_record(body: Mapping[str, Any]) -> Pool:
    """A pool as the AKS API shows it (its name and `properties`)."""
    properties = body.get("properties") or {}
    return Pool(
        name=str(body.get("name") or ""),
        os_sku=str(properties.get("osSKU") or ""),
        os_type=str(properties.get("osType") or "Linux"),
        mode=str(properties.get("mode") or "User"),
        count=int(properties.get("count") or 0),
        vm_size=str(properties.get("vmSize") or ""),
        state=str(properties.get("provisioningState") or ""),
        power=str((properties.get("powerState") or {}).get("code") or "Running"),
        autoscaling=bool(properties.get("enableAutoScaling")),
        kind=str(properties.get("type") or "VirtualMachineScaleSets"),
        etag=str(properties.get("eTag") or ""),
        tags=tuple(sorted((properties.get("tags") or {}).items())),
        properties=dict(properties),
        failure=failure_of(properties),
    )


def failure_of(properties: Mapping[str, Any]) -> Failure | None:
    """Why a pool's last operation failed: its `status.provisioningError`, classified.

    A failed operation wraps its cause in its details, or as a code in its text.
    """
    provisioning_error = (properties.get("status") or {}).get("provisioningError") or {}
    if properties.get("provisioningState") != "Failed" or not provisioning_error.get("code"):
        return None
    code, message = str(provisioning_error["code"]), message_of(provisioning_error)
    inner = tuple(codes_in(provisioning_error))[1:]
    judged = classify_failure(AzureError(code, message, status=200, more_codes=inner))
    text = f"{message} ({code})" + (f"; {judged.remedy}" if judged.remedy else "")
    return Failure(judged.reason, text, judged.retryable, judged.delay)
