"""Availability zones, as Azure writes them on nodes and volumes.

Machines outside any zone carry the number of their fault domain as topology.kubernetes.io/zone
("0" to "4"), and their disks an empty zone (azuredisk-csi-driver 1013, kubernetes 67229): neither
is a zone. Azure attaches disks without a zone to machines without one only.
"""

from sys import intern

from azure_linux_migrator.api.names import ZONE_LABEL

ZONE_KEYS = frozenset(
    {ZONE_LABEL, "topology.disk.csi.azure.com/zone", "failure-domain.beta.kubernetes.io/zone"}
)
"""Labels of nodes, and terms of volumes, that name a zone."""
_WIDER = frozenset({"zone", "region", "rack", "os", "arch", "instance-type"})


def names_a_node(key: str) -> bool:
    """Whether a volume's topology key stands for one node: local drivers have keys of their own,
    such as topology.topolvm.io/node, openebs.io/nodename or kubernetes.io/hostname."""
    return key not in ZONE_KEYS and key.rpartition("/")[2] not in _WIDER


def zone_of(value: str) -> str:
    """The zone that a label's value names, such as westeurope-1; "" for none."""
    return "" if value.isdecimal() else intern(value)
