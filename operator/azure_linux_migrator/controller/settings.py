"""The settings of the operator: flags first, then the environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from azure_linux_migrator.errors import SettingsError

if TYPE_CHECKING:
    from azure_linux_migrator.api.spec import ClusterRef

CLOUDS = ("public", "usgov", "china")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the operator. Ports: 0 picks a free one."""

    kubeconfig: str | None = None
    context: str | None = None
    arm_endpoint: str | None = None
    cloud: str = "public"
    aks_api_version: str | None = None
    metrics_address: str = "127.0.0.1"
    metrics_port: int = 8080
    cluster: "ClusterRef | None" = None
    namespace: str = "azlm-system"
    identity: str = ""
    log_format: Literal["plain", "json"] = "plain"

    @property
    def holder(self) -> str:
        """Who holds the Lease: stable across restarts of one pod, else unique to this process."""
        return self.identity or f"{socket.gethostname()}-{os.getpid()}"


def cluster_from(
    subscription: str | None, group: str | None, name: str | None
) -> "ClusterRef | None":
    """The cluster the operator serves; raises SettingsError when only part of it was given."""
    given = {
        "--subscription-id (AZLM_SUBSCRIPTION_ID)": subscription,
        "--resource-group (AZLM_RESOURCE_GROUP)": group,
        "--cluster-name (AZLM_CLUSTER)": name,
    }
    missing = [flag for flag, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing or not (subscription and group and name):
        raise SettingsError(f"the cluster is only half given; also set {' and '.join(missing)}")
    from pydantic import ValidationError

    from azure_linux_migrator.api.spec import ClusterRef

    try:
        return ClusterRef(subscription_id=subscription, resource_group=group, name=name)
    except ValidationError as error:
        flags = dict(zip(("subscription_id", "resource_group", "name"), given, strict=True))
        problems = "; ".join(
            f"{flags[str(problem['loc'][0])]} "
            f"{problem.get('ctx', {}).get('message') or problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise SettingsError(f"the cluster is not given rightly: {problems}") from error


def from_environment(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """An AZLM_… variable, empty counting as unset."""
    return environment.get(name) or None
