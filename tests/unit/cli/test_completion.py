"""Completion: scripts that shells accept, words, and names from the cluster."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from azure_linux_migrator.api.names import AGENTPOOL_LABEL
from azure_linux_migrator.cli.completion import for_kubectl, script
from azure_linux_migrator.cli.main import azlm
from azure_linux_migrator.kube.migrations import COLLECTION


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_accepts_its_script(shell: str, tmp_path: Path) -> None:
    text = script(azlm, shell)
    assert "_AZLM_COMPLETE" in text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(text)
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_kubectl_gets_commands_options_and_values() -> None:
    commands = for_kubectl(azlm, ["pre"]).splitlines()
    assert [line.split("\t")[0] for line in commands] == ["preflight", ":4"]
    options = for_kubectl(azlm, ["status", "--o"]).splitlines()
    assert options[0].startswith("--output\t")
    values = for_kubectl(azlm, ["status", "-o", ""]).splitlines()
    assert values == ["table", "json", "yaml", ":4"]


async def test_names_come_from_the_cluster(tmp_path: Path) -> None:
    nodes = [{"metadata": {"name": "n", "labels": {AGENTPOOL_LABEL: pool}}} for pool in ("b", "a")]
    answers = {
        COLLECTION: {"items": [{"metadata": {"name": "workers"}}, {"metadata": {"name": "gpu"}}]},
        "/api/v1/nodes": {"items": nodes},
    }

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(answers.get(request.path, {}))

    app = web.Application()
    app.add_routes([web.get("/{path:.*}", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = tmp_path / "config"
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    config.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {}}],
            }
        )
    )

    def words(*given: str) -> list[str]:
        return for_kubectl(azlm, [*given]).splitlines()

    try:
        access = f"--kubeconfig={config}"
        names = await asyncio.to_thread(words, "status", access, "w")
        assert names == ["workers", ":4"]
        pools = await asyncio.to_thread(words, "preflight", access, "--pool", "")
        assert pools == ["a", "b", ":4"]
    finally:
        await runner.cleanup()
    silent = await asyncio.to_thread(words, "status", access, "w")
    assert silent == [":4"], "a cluster that does not answer completes nothing"


def test_a_shell_asks_through_the_environment() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "azure_linux_migrator"],
        env={
            "PATH": "/usr/bin:/bin",
            "_AZLM_COMPLETE": "bash_complete",
            "COMP_WORDS": "azlm comp",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "plain,completion"
