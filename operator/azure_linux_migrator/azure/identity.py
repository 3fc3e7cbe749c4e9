"""Azure's clouds by name, and how the operator proves who it is."""

import os
from dataclasses import dataclass
from pathlib import Path

from azure.identity.aio import AzureCliCredential, WorkloadIdentityCredential

from azure_linux_migrator.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Cloud:
    """Azure Resource Manager and the authority of one cloud."""

    arm: str
    authority: str

    @property
    def scope(self) -> str:
        """What a token is asked for."""
        return f"{self.arm}/.default"


BY_NAME = {
    "public": Cloud("https://management.azure.com", "https://login.microsoftonline.com"),
    "usgov": Cloud("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "china": Cloud("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}


def credential(cloud: Cloud) -> WorkloadIdentityCredential | AzureCliCredential:
    """Workload identity in a cluster, the Azure CLI's login outside; raises SettingsError."""
    token_file = os.environ.get("AZURE_FEDERATED_TOKEN_FILE")
    if token_file:
        if not Path(token_file).exists():
            raise SettingsError(f"AZURE_FEDERATED_TOKEN_FILE names {token_file}, which is missing")
        return WorkloadIdentityCredential(authority=cloud.authority)
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        raise SettingsError(
            "AZURE_FEDERATED_TOKEN_FILE is not set, so there is no identity for Azure: the pod "
            'needs the label azure.workload.identity/use: "true", its ServiceAccount the '
            "annotation azure.workload.identity/client-id, and the workload identity webhook must "
            "have run when the pod was created; restart the pod once it does"
        )
    return AzureCliCredential()
