"""Recorded exchanges of pools, held against the simulated AKS: the same requests once more."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from tests.support.served_aks import ServedAks

NEWER = frozenset({"eTag", "securityProfile", "nodeLabels", "tags"})
"""Keys that newer API versions add."""
ACTED_ON = ("azure-asyncoperation", "location", "retry-after")
ENDED = frozenset({"Succeeded", "Failed", "Canceled"})


def same_answer(
    ours: tuple[int, dict[str, str], Any], theirs: dict[str, Any], *values: str
) -> dict[str, Any]:
    """Compare an answer about a pool; `values` are properties that are equal. Returns ours."""
    status, headers, body = ours
    assert status == theirs["status"]
    names = {name.lower() for name in theirs.get("headers") or {}}
    assert [name in headers for name in ACTED_ON] == [name in names for name in ACTED_ON]
    if theirs["response"] is None:
        assert body is None
        return {}
    recorded_properties = theirs["response"]["properties"]
    properties: dict[str, Any] = body["properties"]
    if "note" not in recorded_properties:  # not abridged
        assert set(body) == set(theirs["response"])
        assert set(properties) - NEWER == set(recorded_properties) - NEWER
    for value in values:
        assert properties[value] == recorded_properties[value], value
    return properties


async def replay(served: ServedAks, exchanges: Iterable[dict[str, Any]]) -> int:
    """Send the recorded requests again, in their order; returns how many were compared.

    Time passes so that an operation ends where it did. Refusals for what was going on then are
    left out.
    """
    operations: dict[str, str] = {}
    compared = 0
    for exchange in exchanges:
        if exchange["status"] == 409:
            continue
        url = urlsplit(exchange["url"])
        if ours := operations.get(url.path):
            await _poll(served, ours, exchange)
        elif "/operations/" in url.path:
            continue  # of a request that is left out
        else:
            path = f"{url.path}?{url.query}"
            answer = await served.ask(exchange["method"], path, exchange.get("request"))
            states = () if exchange["method"] == "GET" else ("provisioningState",)
            same_answer(answer, exchange, *(states if exchange["response"] else ()))
            if theirs := (exchange.get("headers") or {}).get("Azure-AsyncOperation"):
                operations[urlsplit(theirs).path] = answer[1]["azure-asyncoperation"]
        compared += 1
    return compared


async def _poll(served: ServedAks, url: str, theirs: dict[str, Any]) -> None:
    wanted = theirs["response"]["status"]
    if wanted in ENDED:
        served.pass_time(3600)
    _, _, body = await served.ask("GET", url)
    assert set(body) == set(theirs["response"])
    assert body["status"] == wanted if wanted in ENDED else body["status"] not in ENDED
