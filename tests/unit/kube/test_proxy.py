"""How the API server is reached where an HTTP proxy is in the way."""

from pathlib import Path

import pytest
import yaml
from aiohttp import web

from azure_linux_migrator.kube import kubeconfig
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.proxy import proxy_for
from tests.support.fake_apiserver import serving

PROXY = "http://proxy.corp:3128"
AKS = "localhost,127.0.0.1,10.0.0.0/16,168.63.129.16,.svc,konnectivity,.hcp.westeurope.azmk8s.io"


@pytest.mark.parametrize(
    ("server", "exceptions", "proxied"),
    [
        ("https://10.0.0.1:443", "", True),
        ("https://10.0.0.1:443", AKS, False),
        ("https://10.1.0.1:443", AKS, True),
        ("https://[fd00::1]:443", "fd00::/8", False),
        ("https://[fd00::1]:443", "10.0.0.0/8", True),
        ("https://demo.hcp.westeurope.azmk8s.io:443", AKS, False),
        ("https://hcp.westeurope.azmk8s.io:443", AKS, True),
        ("https://api.corp", "corp", False),
        ("https://corp", "corp", False),
        ("https://mycorp", "corp", True),
        ("https://api.corp:6443", "corp:443", True),
        ("https://api.corp:443", "corp:443", False),
        ("https://10.0.0.1:443", "10.0.0.1:443", False),
        ("https://api.corp", "*", False),
        ("https://127.0.0.1:6443", "", False),
        ("https://localhost:6443", "", False),
        ("http://api.corp", "", False),
    ],
)
def test_no_proxy_means_what_it_means_to_kubectl(
    server: str, exceptions: str, proxied: bool
) -> None:
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": exceptions}
    assert proxy_for(server, environment) == (PROXY if proxied else None)
    small = {name.lower(): value for name, value in environment.items()}
    assert proxy_for(server, small) == (PROXY if proxied else None)


def test_a_proxy_without_a_scheme_is_http() -> None:
    assert proxy_for("https://api.corp", {"HTTPS_PROXY": "proxy:3128"}) == "http://proxy:3128"


@pytest.mark.parametrize("by", ["proxy-url", "environment"])
async def test_requests_and_kopf_go_through_the_proxy(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def proxy(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.raw_path}")
        return web.json_response({"through": "the proxy"})

    async with serving(proxy) as at:
        url = at.credentials.server
        cluster = {"server": "http://api.invalid:8001"}
        if by == "environment":
            monkeypatch.setenv("HTTP_PROXY", url)
        else:
            cluster["proxy-url"] = url
        path = tmp_path / "config"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
        path.write_text(yaml.safe_dump(document))
        assert (await kubeconfig.load(str(path), None)).proxy == url
        client = await Client.connect(str(path))
        try:
            assert await client.json("GET", "/api") == {"through": "the proxy"}
            assert (await client.kopf_connection())["proxy_url"] == url
        finally:
            await client.close()
    assert asked == ["GET http://api.invalid:8001/api"]
