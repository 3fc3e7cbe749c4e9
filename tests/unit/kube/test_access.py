"""What is asked before a migration begins is what the shipped roles grant."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.access import FORCE, NEEDED, REPORT, SURGE, missing_access
from tests.support.fake_apiserver import serving

KUSTOMIZE = Path(__file__).resolve().parents[3] / "deploy" / "kustomize"
OPTIONAL = {
    ("", "services", "", "list"),
    ("", "configmaps", "", "get"),
    ("events.k8s.io", "events", "", "list"),
    ("coordination.k8s.io", "leases", "", "list"),
    *(
        ("admissionregistration.k8s.io", f"{kind}webhookconfigurations", "", "list")
        for kind in ("mutating", "validating")
    ),
}


def granted(file: str, kind: str) -> set[tuple[str, str, str, str]]:
    documents: list[dict[str, Any]] = list(yaml.safe_load_all((KUSTOMIZE / file).read_text()))
    (role,) = (document for document in documents if document["kind"] == kind)
    return {
        (group, *_parts(resource), verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _parts(resource: str) -> tuple[str, str]:
    name, _, subresource = resource.partition("/")
    return name, subresource


def test_the_base_grants_what_is_needed_and_nothing_else() -> None:
    assert granted("base/rbac.yaml", "ClusterRole") == set(NEEDED) | OPTIONAL


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("force", FORCE),
        ("surge", SURGE),
        ("conditions", (REPORT,)),
        ("scale", (("*", "*", "scale", "get"),)),
    ],
)
def test_a_component_grants_what_its_setting_needs(
    name: str, asked: tuple[tuple[str, str, str, str], ...]
) -> None:
    assert granted(f"components/{name}/rbac.yaml", "ClusterRole") == set(asked)


def test_the_lease_is_created_read_and_replaced() -> None:
    verbs = {verb for *_, verb in granted("base/rbac.yaml", "Role")}
    assert verbs == {"create", "get", "update"}


async def _missing(denied: set[tuple[str, str]], **asked: bool) -> tuple[str, ...]:
    """What is missing where these resources and verbs are not allowed."""

    async def answer(request: web.Request) -> web.StreamResponse:
        attributes = (await request.json())["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (attributes["resource"], attributes["subresource"])))
        allowed = (resource, attributes["verb"]) not in denied
        return web.json_response({"status": {"allowed": allowed}})

    async with serving(answer) as client:
        return await missing_access(client, **{"force": False, "surge": False, **asked})


async def test_what_is_not_allowed_is_named() -> None:
    denied = {("pods/eviction", "create"), ("nodes", "patch")}
    assert await _missing(denied) == ("patch nodes", "create pods/eviction")
    assert await _missing(set()) == ()


async def test_what_a_setting_needs_is_asked_for_with_it_only() -> None:
    deletes, patches = {("pods", "delete")}, {("pods", "patch"), ("deployments", "patch")}
    assert await _missing(deletes | patches) == ()
    assert await _missing(deletes, force=True) == ("delete pods",)
    assert await _missing(patches, surge=True) == ("patch deployments", "patch pods")


async def test_the_longest_wait_of_reviews_that_are_sent_together_is_kept() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        verb = (await request.json())["spec"]["resourceAttributes"]["verb"]
        asked = {"get": "1", "patch": "5"}.get(verb)
        if asked is None:
            return web.json_response({"status": {"allowed": True}})
        return web.json_response({}, status=429, headers={"Retry-After": asked})

    async with serving(answer) as client:
        with pytest.raises(KubernetesError) as raised:
            await missing_access(client, force=False, surge=False)
    assert raised.value.retry_after == 5.0
