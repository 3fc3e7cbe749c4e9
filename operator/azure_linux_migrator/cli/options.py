"""The options that several commands share, and how they become Settings."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click

from azure_linux_migrator.controller.settings import (
    CLOUDS,
    Settings,
    cluster_from,
    from_environment,
)

MIGRATION = "The file with the AzureLinuxMigration, YAML or JSON; - reads standard input."
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def options(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, in the order in which the help shows them."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def variable(flag: str, name: str, text: str, **more: Any) -> Decorator:
    """An option that an environment variable sets too; an empty variable counts as unset."""
    return click.option(flag, envvar=name, show_envvar=True, help=text, **more)


def seconds(flag: str, default: float | None, text: str, **more: Any) -> Decorator:
    """An option that takes a finite number of seconds from 0 on."""
    kind = click.FloatRange(min=0)
    more |= {"type": kind, "callback": _finite, "default": default, "metavar": "SECONDS"}
    return click.option(flag, help=text, **more)


def _finite(_: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number", param=option)
    return value


def _dated(option: click.Parameter, value: str | None) -> str | None:
    if value and not re.fullmatch(r"\d{4}-\d{2}-\d{2}(-preview)?", value):
        raise click.BadParameter(f"{value} is no version such as 2026-08-01", param=option)
    return value or None


def output(*formats: str) -> Decorator:
    """The format of the answer; the first is the default."""
    text = "A table for people, or data for machines."
    return click.option("-o", "--output", type=click.Choice(formats), default=formats[0], help=text)


migration_file = click.option(
    "-f", "--filename", metavar="FILE", type=Path, required=True, help=MIGRATION
)
azure = options(
    variable("--subscription-id", "AZLM_SUBSCRIPTION_ID", "Used where spec.cluster is not set."),
    variable("--resource-group", "AZLM_RESOURCE_GROUP", "The cluster's group, not its MC_ group."),
    variable("--cluster-name", "AZLM_CLUSTER", "The name of the managed cluster."),
    variable(
        "--cloud", "AZLM_CLOUD", "The Azure cloud.", type=click.Choice(CLOUDS), default=CLOUDS[0]
    ),
    click.option(
        "--arm-endpoint", metavar="URL", help="Azure Resource Manager instead of a cloud."
    ),
    variable(
        "--aks-api-version",
        "AZLM_AKS_API_VERSION",
        "Of Microsoft.ContainerService, for a cloud that does not have azlm's yet.",
        metavar="VERSION",
        callback=lambda _, option, value: _dated(option, value),
        show_default="2026-08-01",
    ),
)
kubernetes = options(
    click.option(
        "--kubeconfig",
        metavar="FILE",
        show_default="$KUBECONFIG, or ~/.kube/config",
        help="How to reach the Kubernetes API.",
    ),
    click.option(
        "--context", show_default="its current context", help="A context of the kubeconfig."
    ),
)
reading = options(kubernetes, azure)


class KubernetesFlags(TypedDict):
    """The values of `kubernetes`."""

    kubeconfig: str | None
    context: str | None


class _OtherFlags(TypedDict):
    context: str | None
    subscription_id: str | None
    resource_group: str | None
    cluster_name: str | None
    cloud: str
    arm_endpoint: str | None
    aks_api_version: str | None


class ReadingFlags(_OtherFlags):
    """The values of `reading`."""

    kubeconfig: str | None


def settings(
    subscription_id: str | None, resource_group: str | None, cluster_name: str | None, **flags: Any
) -> Settings:
    """The values of `azure` and other flags. Raises SettingsError for half a cluster."""
    return Settings(cluster=cluster_from(subscription_id, resource_group, cluster_name), **flags)


def reader_settings(kubeconfig: str | None, **flags: Unpack[_OtherFlags]) -> Settings:
    """The values of `reading`."""
    return settings(kubeconfig=_own(kubeconfig), **flags)


def kubernetes_settings(kubeconfig: str | None, context: str | None) -> Settings:
    """The values of `kubernetes`."""
    return Settings(kubeconfig=_own(kubeconfig), context=context)


def _own(kubeconfig: str | None) -> str:
    """A person at a terminal always has a kubeconfig."""
    return kubeconfig or from_environment("KUBECONFIG") or str(Path.home() / ".kube" / "config")
