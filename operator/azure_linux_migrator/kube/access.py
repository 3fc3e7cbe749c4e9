"""What the operator may do, asked before anything is changed."""

from azure_linux_migrator.api.names import GROUP, PLURAL
from azure_linux_migrator.kube.client import Client, all_answers

NEEDED = (
    *(("", "nodes", "", verb) for verb in ("get", "list", "watch", "patch")),
    *(("", "pods", "", verb) for verb in ("get", "list", "watch")),
    ("", "pods", "eviction", "create"),
    *(("policy", "poddisruptionbudgets", "", verb) for verb in ("list", "watch")),
    *(
        ("apps", resource, "", verb)
        for resource in ("deployments", "replicasets", "statefulsets", "daemonsets")
        for verb in ("list", "watch")
    ),
    *(("", "persistentvolumes", "", verb) for verb in ("list", "watch")),
    *(("storage.k8s.io", "volumeattachments", "", verb) for verb in ("list", "watch")),
    *(("", "events", "", verb) for verb in ("create", "patch")),
    *((GROUP, PLURAL, "", verb) for verb in ("get", "list", "watch", "patch")),
    (GROUP, PLURAL, "status", "patch"),
)
"""Group, resource, subresource, verb: what the ClusterRole of deploy/kustomize/base grants, but for
what its comments say may be left out."""

FORCE = (("", "pods", "", "delete"),)
"""For spec.drain.onTimeout: Force; granted by deploy/kustomize/components/force."""

SURGE = (("apps", "deployments", "", "patch"), ("", "pods", "", "patch"))
"""For spec.drain.singletons: SurgeFirst; granted by deploy/kustomize/components/surge."""


REPORT = ("", "nodes", "status", "patch")
"""To report drains in the conditions of nodes; granted by
deploy/kustomize/components/conditions."""


async def may_report_drains(client: Client) -> bool:
    """Whether REPORT is allowed."""
    return await _allowed(client, *REPORT)


async def missing_access(client: Client, *, force: bool, surge: bool) -> tuple[str, ...]:
    """What of NEEDED, and of FORCE and SURGE where asked for, is not allowed."""
    needed = (*NEEDED, *(FORCE if force else ()), *(SURGE if surge else ()))
    answers = await all_answers(_allowed(client, *access) for access in needed)
    return tuple(
        f"{verb} {resource}{'/' + sub if sub else ''}"
        for (_, resource, sub, verb), allowed in zip(needed, answers, strict=True)
        if not allowed
    )


async def _allowed(client: Client, group: str, resource: str, sub: str, verb: str) -> bool:
    attributes = {"group": group, "resource": resource, "subresource": sub, "verb": verb}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = await client.json("POST", path, body=review)
    return bool(answer["status"]["allowed"])
