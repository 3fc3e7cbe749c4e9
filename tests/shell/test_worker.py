"""The worker goes on from what is recorded, whatever it remembers."""

import json
from typing import Any

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.records import Key
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.feed import Feed
from azure_linux_migrator.shell.worker import Worker
from azure_linux_migrator.telemetry.metrics import Telemetry


class Deaf:
    """A Kubernetes that takes a status and does not answer."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.server = "http://127.0.0.1"

    async def json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """As kube.client.Client."""
        if method == "PATCH" and path.endswith("/status"):
            self.body["status"] = json.loads(json.dumps(more["body"]["status"]))
            self.body["metadata"]["resourceVersion"] = "8"
            raise KubernetesError(0, "no answer in time")
        return self.body


async def test_a_status_that_was_written_but_not_answered_is_gone_on_from() -> None:
    body: dict[str, Any] = {
        "metadata": {"name": "m", "uid": "u", "generation": 1, "resourceVersion": "7"},
        "spec": {"source": {"nodePool": "src"}},
        "status": {"step": "AwaitRetireApproval", "phase": "Running"},
    }
    client: Any = Deaf(json.loads(json.dumps(body)))
    worker = Worker(
        body,
        client=client,
        feed=Feed(client),
        pools=lambda _: client,
        telemetry=Telemetry(),
        may_act=lambda: True,
        rival=lambda _: "",
        own_pod=Key("azlm-system", "azlm-0"),
    )
    assert worker.status.step == "AwaitRetireApproval"
    recorded = MigrationStatus(step="RetireSource", phase="Running")
    assert not await worker._writer.write_now(recorded)
    await worker._reread()
    assert worker.status.step == "RetireSource"
