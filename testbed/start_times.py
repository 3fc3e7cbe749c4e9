"""Fixed start times: the k-th pod made of an app takes the k-th of its times to become Ready,
whoever caused it.

A mutating webhook, in a process of its own, writes the time into the annotation that kwok's stages
read (stages.py). `python -m testbed.start_times CERTIFICATE KEY FILE` serves the times in FILE, by
the label `app`, in milliseconds; it prints its port.
"""

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from testbed.control_plane import ControlPlane
from testbed.fill.command import apply
from testbed.kubectl import kubectl
from testbed.stages import PREFIX

NAME = "start-times.azlm.test"
_ANNOTATIONS = "/metadata/annotations"


class StartTimes:
    """Serves while entered; `seconds` are the times by the label `app`. Pods that are made when
    those of their app are used up take kwok's default."""

    def __init__(self, plane: ControlPlane, seconds: Mapping[str, Sequence[float]]) -> None:
        self._plane = plane
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        here = self._plane.directory
        file = here / "start-times.json"
        times = {app: [round(1000 * at) for at in values] for app, values in self._seconds.items()}
        file.write_text(json.dumps(times))
        command = [sys.executable, "-m", "testbed.start_times"]
        command += [str(here / "apiserver.crt"), str(here / "apiserver.key"), str(file)]
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True
        )
        port = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not port:
            raise RuntimeError("the webhook of start times did not start; see its stderr above")
        apply(self._plane.kubeconfig, [_configuration(here / "ca.crt", int(port))])
        return self

    def __exit__(self, *_: object) -> None:
        config = ("delete", "mutatingwebhookconfiguration", NAME, "--ignore-not-found")
        kubectl(self._plane.kubeconfig, *config, check=False)
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            if self._process.stdout is not None:
                self._process.stdout.close()


def patch(pod: dict[str, Any], times: dict[str, list[int]]) -> list[dict[str, Any]]:
    """The JSON patch that gives a pod the next time of its app (milliseconds), which is taken."""
    meta = pod.get("metadata", {})
    left = times.get(meta.get("labels", {}).get("app", ""))
    if not left:
        return []
    value = f"{left.pop(0)}ms"
    if meta.get("annotations") is None:
        return [{"op": "add", "path": _ANNOTATIONS, "value": {f"{PREFIX}ready-ms": value}}]
    key = f"{PREFIX}ready-ms".replace("~", "~0").replace("/", "~1")
    return [{"op": "add", "path": f"{_ANNOTATIONS}/{key}", "value": value}]


def _configuration(authority: Path, port: int) -> dict[str, Any]:
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "scope": "Namespaced"}
    hook = {
        "name": NAME,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "NoneOnDryRun",
        "reinvocationPolicy": "Never",
        "timeoutSeconds": 10,
        "failurePolicy": "Fail",
        "clientConfig": {
            "url": f"https://127.0.0.1:{port}/",
            "caBundle": base64.b64encode(authority.read_bytes()).decode(),
        },
        "rules": [{**pods, "operations": ["CREATE"]}],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [hook],
    }


async def _serve(certificate: str, key: str, times: dict[str, list[int]]) -> None:
    async def admit(request: web.Request) -> web.Response:
        asked = (await request.json())["request"]
        response: dict[str, Any] = {"uid": asked["uid"], "allowed": True}
        changes = [] if asked.get("dryRun") else patch(asked["object"], times)
        if changes:
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(json.dumps(changes).encode()).decode()
        head = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
        return web.json_response(head | {"response": response})

    application = web.Application()
    application.router.add_post("/", admit)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text())))
