"""A real Prometheus with the shipped rules, and an Alertmanager, on loopback.

Both are Debian's packages `prometheus` and `prometheus-alertmanager`, of which only the programs
are used. Rules wait 1/600 of their time, so that what takes half an hour takes three seconds.
"""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

import yaml

from testbed.processes import free_ports

PROGRAMS = ("prometheus", "prometheus-alertmanager")
RULES = Path(__file__).resolve().parents[1] / "deploy" / "monitoring" / "rules.yaml"
FASTER = 600
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def missing_programs() -> list[str]:
    """Those that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Monitoring:
    """Scrapes one target every second while entered."""

    def __init__(self, target: str, scratch: Path) -> None:
        self._target = target
        self._scratch = scratch
        self._processes: list[subprocess.Popen[bytes]] = []
        port, alerts = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self._alertmanager = f"http://127.0.0.1:{alerts}"
        self.began = time.time()

    def __enter__(self) -> Self:
        self._write()
        prometheus, alertmanager = (address.removeprefix("http://") for address in self._addresses)
        self._start(
            "prometheus",
            f"--config.file={self._scratch / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self._scratch / 'tsdb'}",
            f"--web.listen-address={prometheus}",
        )
        self._start(
            "prometheus-alertmanager",
            f"--config.file={self._scratch / 'alertmanager.yaml'}",
            f"--storage.path={self._scratch / 'alertmanager'}",
            f"--web.listen-address={alertmanager}",
            "--cluster.listen-address=",
        )
        for address in self._addresses:
            _wait(f"{address}/-/ready")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=30)

    @property
    def _addresses(self) -> tuple[str, str]:
        return self.url, self._alertmanager

    def alerts(self) -> dict[str, dict[str, str]]:
        """Labels of the alerts that the Alertmanager has, by name."""
        alerts = _get(f"{self._alertmanager}/api/v2/alerts?active=true")
        return {alert["labels"]["alertname"]: dict(alert["labels"]) for alert in alerts}

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query. Raises AssertionError for a faulty expression."""
        return self._ask("query", query=expression)

    def history(self, expression: str, step: float = 1.0) -> list[dict[str, Any]]:
        """The result of a range query from the beginning until now."""
        span = {"start": f"{self.began:.0f}", "end": f"{time.time():.0f}", "step": str(step)}
        return self._ask("query_range", query=expression, **span)

    def _ask(self, kind: str, **parameters: str) -> list[dict[str, Any]]:
        query = urllib.parse.urlencode(parameters)
        try:
            return list(_get(f"{self.url}/api/v1/{kind}?{query}")["data"]["result"])
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters['query']}: {error.read().decode()}") from error

    def _write(self) -> None:
        rules = yaml.safe_load(RULES.read_text())["spec"]
        for group in rules["groups"]:
            for rule in group["rules"]:
                if "for" in rule:
                    seconds = int(rule["for"][:-1]) * _UNITS[rule["for"][-1]]
                    rule["for"] = f"{seconds * 1000 // FASTER}ms"
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._scratch / "rules.yaml")],
            "alerting": {
                "alertmanagers": [
                    {"static_configs": [{"targets": [self._alertmanager.removeprefix("http://")]}]}
                ]
            },
            "scrape_configs": [
                {
                    "job_name": "azlm",
                    "static_configs": [{"targets": [self._target], "labels": {"cluster": "demo"}}],
                }
            ],
        }
        receivers = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
        for name, content in (
            ("rules", rules),
            ("prometheus", config),
            ("alertmanager", receivers),
        ):
            (self._scratch / f"{name}.yaml").write_text(yaml.safe_dump(content))

    def _start(self, program: str, *flags: str) -> None:
        with (self._scratch / f"{program}.log").open("wb") as log:
            self._processes.append(subprocess.Popen([program, *flags], stdout=log, stderr=log))


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _wait(url: str, patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
