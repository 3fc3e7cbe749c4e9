"""What the operator may do, asked before anything is changed."""

import asyncio

from azure_linux_migrator.api.names import GROUP, PLURAL
from azure_linux_migrator.kube.client import Client

NEEDED = (
    *(("", "nodes", "", verb) for verb in ("list", "watch", "patch")),
    *(("", "pods", "", verb) for verb in ("get", "list", "watch")),
    ("", "pods", "eviction", "create"),
    *(("policy", "poddisruptionbudgets", "", verb) for verb in ("list", "watch")),
    (GROUP, PLURAL, "status", "patch"),
)
"""Group, resource, subresource, verb: the same list as deploy/kustomize/base grants."""


async def missing_access(client: Client) -> tuple[str, ...]:
    """What of NEEDED is not allowed, as `verb resource/subresource`."""
    answers = await asyncio.gather(*(_allowed(client, *each) for each in NEEDED))
    return tuple(
        f"{verb} {resource}{'/' + sub if sub else ''}"
        for (_, resource, sub, verb), allowed in zip(NEEDED, answers, strict=True)
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
