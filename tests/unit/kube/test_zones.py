"""Zones as Azure writes them: the same disk and machine meet in the core, whatever their labels."""

import json

import msgspec
import pytest

from azure_linux_migrator.kube.decode import NodeObject
from azure_linux_migrator.kube.decode_owners import VolumeObject
from azure_linux_migrator.kube.zones import zone_of

DISK = "topology.disk.csi.azure.com/zone"


def _node(**labels: str) -> str:
    raw = json.dumps({"metadata": {"name": "n", "labels": labels}})
    return msgspec.json.decode(raw, type=NodeObject).record().zone


def _disk(key: str, *zones: str) -> tuple[str, ...]:
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": [z]}]} for z in zones]
    raw = {
        "metadata": {"name": "pv"},
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}},
    }
    return msgspec.json.decode(json.dumps(raw), type=VolumeObject).record().zones


@pytest.mark.parametrize("fault_domain", ["0", "1", "4"])
def test_a_fault_domain_is_no_zone(fault_domain: str) -> None:
    assert zone_of(fault_domain) == ""
    assert _node(**{"topology.kubernetes.io/zone": fault_domain}) == ""


def test_a_disk_outside_any_zone_meets_its_machines() -> None:
    assert _disk(DISK, "") == ("",)
    assert _disk("failure-domain.beta.kubernetes.io/zone", "0", "1", "2") == ("",)


def test_zones_stay_what_they_are() -> None:
    assert _node(**{"topology.kubernetes.io/zone": "westeurope-1"}) == "westeurope-1"
    assert _disk(DISK, "westeurope-1") == ("westeurope-1",)
    assert _disk(DISK, "westeurope-1", "westeurope-2", "") == ("", "westeurope-1", "westeurope-2")
    assert _disk("example.com/rack", "7") == ()


@pytest.mark.parametrize("fault_domain", ["0", "1"])
def test_a_node_outside_any_zone_has_none_whatever_its_disk_driver_says(fault_domain: str) -> None:
    """As AKS labels such nodes: the driver's label is empty, the other a fault domain."""
    labels = {DISK: "", "topology.kubernetes.io/zone": fault_domain}
    assert _node(**labels, **{"topology.kubernetes.io/region": "centralindia"}) == ""
