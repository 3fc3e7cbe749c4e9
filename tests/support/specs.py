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


TERM = {"key": "app", "operator": "In"}
BAD_KEY = {"key": "a/b/c", "operator": "Exists"}

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
    (
        {"target": {"count": 2, "autoscaling": {"min": 3, "max": 5}}},
        "spec.target.count",
        "min to max",
    ),
    ({"target": {"labels": {"team": "a b"}}}, "spec.target.labels", "value of a label"),
    ({"preflight": {"acknowledge": ["pdb.zer"]}}, "spec.preflight.acknowledge[0]", "pdb.zer"),
    (
        {"drain": {"order": [{"order": 1, "selector": {"matchExpressions": [TERM]}}]}},
        "spec.drain.order[0].selector.matchExpressions[0]",
        "at least one value",
    ),
    (
        {"drain": {"order": [{"order": 1, "selector": {"matchExpressions": [BAD_KEY]}}]}},
        "matchExpressions[0].key",
        "key of a label",
    ),
    (
        {"drain": {"order": [{"order": 1, "selector": {}, "namespaces": ["A"]}]}},
        "spec.drain.order[0].namespaces[0]",
        "name of a namespace",
    ),
    ({"strategy": {"type": "InPlace"}, "onFailure": "Rollback"}, "spec.onFailure", "to Pause"),
    ({"strategy": {"type": "InPlace"}, "sourcePool": "Keep"}, "spec.sourcePool", "leave"),
    (
        {"strategy": {"type": "InPlace"}, "drain": {"onTimeout": "Force"}},
        "spec.drain.onTimeout",
        "AKS drains",
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

BAD_FOR_AZLM: list[tuple[dict[str, Any], str]] = [
    ({"target": {"labels": {"agentpool": "x"}}}, "spec.target.labels must not set labels that AKS"),
    ({"target": {"labels": {"kubernetes.azure.com/mode": "user"}}}, "must not set labels that AKS"),
    ({"target": {"labels": {"-team": "a"}}}, "spec.target.labels must have keys"),
    ({"target": {"tags": {"azure-thing": "a"}}}, "spec.target.tags must have names"),
    ({"target": {"tags": {"a/b": "a"}}}, "spec.target.tags must have names"),
    (
        {"drain": {"order": [{"order": 1, "selector": {"matchLabels": {"a b": "c"}}}]}},
        "spec.drain.order[0].selector.matchLabels must have keys",
    ),
]
"""Specs whose maps have keys that azlm alone refuses, and the words of that."""

GOOD: list[dict[str, Any]] = [
    {"strategy": {"batch": {"size": 1000, "soak": "0"}, "finalSoak": "168h"}},
    {"strategy": {"batch": {"size": "100%", "soak": "0s"}}},
    {"strategy": {"batch": {"size": "1%"}}, "target": {"count": 1000}},
    {"source": {"nodePool": "twelvechars1"}, "target": {"nodePool": "a"}},
    {"target": {"osSKU": "AzureLinux4"}, "drain": {"timeout": "1h1m1s"}},
    {"strategy": {"type": "InPlace"}, "target": {"osSKU": "AzureLinux3"}},
    {"strategy": {"type": "InPlace"}, "target": {"securityProfile": {"enableVTPM": True}}},
    {"target": {"securityProfile": {"enableSecureBoot": True, "enableVTPM": False}}},
    {"target": {"autoscaling": {"min": 0, "max": 1}, "zones": ["1", "auto"], "count": "Auto"}},
    {"strategy": {"type": "Rolling", "maxSurge": "7"}, "drain": {"timeout": "0"}},
    {"drain": None, "target": {"vmSize": None}},
    {"cluster": CLUSTER},
    {"target": {"count": 3, "autoscaling": {"min": 3, "max": 3}, "labels": {"example.com/a": ""}}},
    {"preflight": {"acknowledge": ["pdb.zero", "pod.spread"]}},
    {"target": {"tags": {"Owner": "a b/c"}}},
]
