"""The self-heal of a GitOps tool: replicas that differ from Git's are put back within moments."""

import json
import time
from threading import Event, Thread
from typing import Self

from tests.support.bed import Bed

GIT = json.dumps({"spec": {"replicas": 1}})


class SelfHeal:
    """Keeps every Deployment of the default namespace at one replica, as if Git said so."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self._stop = Event()
        self._thread = Thread(target=self._run, name="self-heal", daemon=True)
        self.reverted: list[str] = []
        """Names of the Deployments whose replicas were put back, once for each time."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            deployments = json.loads(self._bed.kubectl("get", "deployments", "-o", "json"))
            for deployment in deployments["items"]:
                if deployment["spec"]["replicas"] != 1:
                    name = deployment["metadata"]["name"]
                    self._bed.kubectl("patch", "deployment", name, "--type=merge", "-p", GIT)
                    self.reverted.append(name)
            time.sleep(0.1)
