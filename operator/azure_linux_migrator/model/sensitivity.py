"""What kind of name a text field of a record holds.

The record types carry these markers so that a snapshot can be given to others under pseudonyms
(forecast/redact.py). Redaction refuses a text field without a marker, so every new field states
what it holds, or that it is public. This module knows neither the records nor the pseudonyms.
"""

from enum import Enum, auto
from typing import Annotated


class Sensitivity(Enum):
    """The meaning of one field, from which redaction chooses its replacement."""

    PUBLIC = auto()
    """A word of Kubernetes or Azure, a size, a version or a zone: kept."""
    LEFT_OUT = auto()
    """Of no use to a forecast: emptied."""
    MESSAGE = auto()
    """A sentence of an API that may name anything: replaced where it is not empty."""
    IDENTIFIER = auto()
    """A uid, a kind or a name that is compared for equality only."""
    NAMESPACE = auto()
    OBJECT = auto()
    """The name of an object in the namespace of its record."""
    OWNER_NAME = auto()
    """A node where the record's kind is Node, otherwise an object in the pod's namespace."""
    NODE = auto()
    POOL = auto()
    MIGRATION = auto()
    MARK = auto()
    """An annotation of this operator: `<migration or stamp><separator><number>`."""
    LABELS = auto()
    """Pairs of label key and value, or a mapping of them."""
    LABEL_KEY = auto()
    LABEL_VALUE = auto()
    """The value of the label that the record's `key` names."""
    TAINT = auto()
    """`key=value:effect`."""
    TAINT_KEY = auto()
    TAINT_VALUE = auto()
    """The value of the taint that the record's `key` names."""
    HOST_PATH = auto()
    """A directory of a node: kept as far as every node has it (model.traits)."""
    RESOURCE_AMOUNTS = auto()
    """Pairs of the name of a resource and its amount."""
    POOL_PROPERTIES = auto()
    """The ARM properties of a node pool."""
    POOL_TAGS = auto()
    ARM_ID = auto()
    ARM_ACTION = auto()
    CIDR = auto()
    SERVICE = auto()
    """`namespace/name`."""
    AZURE_FACTS = auto()
    """Azure facts as forecast/snapshot.py stores them."""
    UNREAD_LIST = auto()
    """What could not be listed: `<resource>: <message>`."""


Public = Annotated[str, Sensitivity.PUBLIC]
LeftOut = Annotated[str, Sensitivity.LEFT_OUT]
Message = Annotated[str, Sensitivity.MESSAGE]
Identifier = Annotated[str, Sensitivity.IDENTIFIER]
NamespaceName = Annotated[str, Sensitivity.NAMESPACE]
ObjectName = Annotated[str, Sensitivity.OBJECT]
NodeName = Annotated[str, Sensitivity.NODE]
PoolName = Annotated[str, Sensitivity.POOL]
MigrationName = Annotated[str, Sensitivity.MIGRATION]
Mark = Annotated[str, Sensitivity.MARK]
LabelKey = Annotated[str, Sensitivity.LABEL_KEY]
LabelValue = Annotated[str, Sensitivity.LABEL_VALUE]
TaintText = Annotated[str, Sensitivity.TAINT]
ArmId = Annotated[str, Sensitivity.ARM_ID]
Cidr = Annotated[str, Sensitivity.CIDR]
