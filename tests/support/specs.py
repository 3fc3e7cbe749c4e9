"""Specs that are refused, and specs at the limit of what is accepted: by the API server, which
has the rules in CEL, and by azlm itself, which has them in Python."""

from typing import Any

CLUSTER = {
    "subscriptionID": "00000000-0000-0000-0000-000000000000",
    "resourceGroup": "group",
    "name": "cluster",
}
POOL_NAME = "1 to 12 lower-case letters and digits"
SIZE = "from 1% to 100%"
DURATION = "15m or 1h30m"
COUNT = "from 1 to 1000, or Auto"


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"source": {"nodePool": "Workers"}}, "spec.source.nodePool", POOL_NAME),
    ({"source": {"nodePool": "1workers"}}, "spec.source.nodePool", POOL_NAME),
    ({"source": {"nodePool": "thirteenchars"}}, "spec.source.nodePool", POOL_NAME),
    ({"source": {}}, "spec.source.nodePool", "Required value"),
    ({"target": {"nodePool": "a-b"}}, "spec.target.nodePool", POOL_NAME),
    ({"target": {"nodePool": "workers"}}, "spec.target.nodePool", "must differ"),
    ({"target": {"osSKU": "Azure Linux"}}, "spec.target.osSKU", "AzureLinux3"),
    ({"target": {"vmSize": "D4s v5"}}, "spec.target.vmSize", "Standard_D4s_v5"),
    ({"target": {"count": 0}}, "spec.target.count", COUNT),
    ({"target": {"count": 1001}}, "spec.target.count", COUNT),
    ({"target": {"count": "Many"}}, "spec.target.count", COUNT),
    ({"target": {"zones": ["west"]}}, "spec.target.zones[0]", "availability zone"),
    ({"target": {"taints": ["a=b"]}}, "spec.target.taints[0]", "key=value:Effect"),
    ({"target": {"autoscaling": {"min": 3, "max": 2}}}, "autoscaling.min", "not exceed"),
    ({"target": {"osDiskType": "Floppy"}}, "spec.target.osDiskType", "Ephemeral"),
    (
        {"strategy": {"type": "InPlace"}, "target": {"count": 3}},
        "spec.target",
        "only spec.target.osSKU",
    ),
    (
        {"strategy": {"type": "InPlace"}, "target": {"vmSize": "Standard_D4s_v5"}},
        "spec.target",
        "only spec.target.osSKU",
    ),
    ({"target": {"maxPods": "30"}}, "spec.target.maxPods", "integer"),
    ({"target": {"osDiskSizeGB": 10}}, "spec.target.osDiskSizeGB", "greater than or equal to 30"),
    ({"target": {"tags": {"a": 1}}}, "spec.target.tags.a", "string"),
    ({"source": None}, "spec.source", "Required value"),
    ({"drain": {"order": [{"selector": {}, "order": 1001}]}}, "spec.drain.order[0].order", "1000"),
    ({"strategy": {"maxSurge": "0%"}}, "spec.strategy.maxSurge", SIZE),
    ({"approval": "Never"}, "spec.approval", "BeforeDrain"),
    ({"onFailure": "Panic"}, "spec.onFailure", "Rollback"),
    ({"strategy": {"type": "Yolo"}}, "spec.strategy.type", '"BlueGreen"'),
    ({"strategy": {"batch": {"size": 0}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"size": 1001}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"size": "1001"}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"size": "0%"}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"size": "101%"}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"size": "x"}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"size": True}}}, "spec.strategy.batch.size", "integer,string"),
    ({"strategy": {"batch": {"soak": "soon"}}}, "spec.strategy.batch.soak", DURATION),
    ({"strategy": {"finalSoak": "1d"}}, "spec.strategy.finalSoak", DURATION),
    ({"strategy": {"finalSoak": "168h1s"}}, "spec.strategy.finalSoak", "at most 168h"),
    ({"strategy": {"batch": {"size": "33 %"}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"size": "07"}}}, "spec.strategy.batch.size", SIZE),
    ({"strategy": {"batch": {"soak": 15}}}, "spec.strategy.batch.soak", "string"),
    ({"strategy": {"batch": {"soak": "15m\n"}}}, "spec.strategy.batch.soak", DURATION),
    ({"drain": {"timeout": "-5m"}}, "spec.drain.timeout", DURATION),
    ({"drain": {"timeout": ""}}, "spec.drain.timeout", "at least 1"),
    ({"drain": {"jobs": "Kill"}}, "spec.drain.jobs", '"Wait", "Evict"'),
    ({"sourcePool": "Burn"}, "spec.sourcePool", '"Delete", "ScaleToZero", "Keep"'),
    ({"cluster": CLUSTER | {"subscriptionID": "x"}}, "spec.cluster.subscriptionID", "GUID"),
    ({"cluster": {"name": "c"}}, "spec.cluster.resourceGroup", "Required value"),
    ({"paused": "yes"}, "spec.paused", "boolean"),
    ({"surprise": True}, "spec.surprise", "unknown field"),
    ({"drain": {"timeOut": "1m"}}, "spec.drain.timeOut", "unknown field"),
]
"""The spec, the field that the refusal names, and a part of the API server's message."""

GOOD: list[dict[str, Any]] = [
    {"strategy": {"batch": {"size": 1000, "soak": "0"}, "finalSoak": "168h"}},
    {"strategy": {"batch": {"size": "100%", "soak": "0s"}}},
    {"strategy": {"batch": {"size": "1%"}}, "target": {"count": 1000}},
    {"source": {"nodePool": "twelvechars1"}, "target": {"nodePool": "a"}},
    {"target": {"osSKU": "AzureLinux4"}, "drain": {"timeout": "1h1m1s"}},
    {"strategy": {"type": "InPlace"}, "target": {"osSKU": "AzureLinux3"}},
    {"target": {"autoscaling": {"min": 0, "max": 1}, "zones": ["1", "auto"], "count": "Auto"}},
    {"strategy": {"type": "Rolling", "maxSurge": "7"}, "drain": {"timeout": "0"}},
    {"drain": None, "target": {"vmSize": None}},
    {"cluster": CLUSTER},
]
