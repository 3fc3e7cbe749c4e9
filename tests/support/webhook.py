"""A real validating webhook for pods/eviction, served by the test itself."""

import base64
import ssl
from typing import Any, Self

from aiohttp import web

from testbed.processes import free_ports
from tests.support.eviction_manifests import rule
from tests.support.eviction_world import Place

PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


class Webhook:
    """Denies every eviction of a namespace with that code, or does not answer at all."""

    def __init__(self, place: Place, code: int, message: str, *, answers: bool = True) -> None:
        self.name = f"{place.namespace}.azlm.test"
        self._place = place
        self._status = {"code": code, "message": message}
        self._answers = answers
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        (port,) = free_ports(1)
        if self._answers:
            await self._serve(port)
        await self._place.create(PATH, self._configuration(port))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._place.remove(f"{PATH}/{self.name}")
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, port: int) -> None:
        application = web.Application()
        application.router.add_post("/", self._deny)
        self._runner = web.AppRunner(application, shutdown_timeout=1.0)
        await self._runner.setup()
        directory = self._place.plane.directory
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(directory / "apiserver.crt", directory / "apiserver.key")
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=context).start()

    async def _deny(self, request: web.Request) -> web.Response:
        review = await request.json()
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": self._status}
        head = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
        return web.json_response(head | {"response": answer})

    def _configuration(self, port: int) -> dict[str, Any]:
        authority = (self._place.plane.directory / "ca.crt").read_bytes()
        here = {"kubernetes.io/metadata.name": self._place.namespace}
        hook = {
            "name": self.name,
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "failurePolicy": "Fail",
            "namespaceSelector": {"matchLabels": here},
            "clientConfig": {
                "url": f"https://127.0.0.1:{port}/",
                "caBundle": base64.b64encode(authority).decode(),
            },
            "rules": [rule("pods/eviction", "", "CREATE")],
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": self.name},
            "webhooks": [hook],
        }
