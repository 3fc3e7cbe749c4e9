"""Every azlm command on a page is run as it stands there, on the real control plane: against a
migration that waits for an approval, is paused, resumed, approved, rolled back and aborted."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from azure_linux_migrator.cli.main import azlm
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import budget, deployment
from tests.docs.blocks import COMMANDS, INLINE, lines, words_of
from tests.docs.pages import PAGES
from tests.support.bed import ZERO, Bed

ANSWERS = {
    "FILE.tar.gz": "report.tar.gz",
    "--snapshot FILE": "--snapshot cluster.json.gz",
    "--html FILE": "--html plan.html",
    "--record FILE": "--record record.yaml",
    "NAME": "workers",
}
"""What stands for a word in capitals."""
WHOLE = ("list", "crd", "uninstall")
"""Commands without an argument. Others without one are mentions, such as `azlm plan`."""
CONFIRMED = ("rollback", "abort", "uninstall")
ORDER = (
    *("crd", "completion", "preflight", "snapshot", "plan", "handover"),
    *("list", "blockers", "history", "report"),
    *("pause", "resume", "approve", "rollback", "retry", "abort"),
    *("wait", "status", "ui", "uninstall"),
)
"""By command, so that each finds the migration in a state where it can act."""
DONE_OR_WAITING = frozenset((0, 2))
STATES = {"wait": frozenset((0, 1, 2)), "status": frozenset((0, 1, 2))}
"""An aborted migration is reported by exit code 1."""


def runnable(line: str) -> str:
    """The command as a reader would type it: the first of several choices, names filled in."""
    line = re.sub(r"\s+#.*$", "", line).split(" | ")[0]
    line = line.replace("[NAME]", "NAME")
    line = re.sub(r"\[[^]]*\]", "", line).strip()
    line = re.sub(r"(\w)(\|\w+)+", r"\1", line)
    for word, answer in ANSWERS.items():
        line = line.replace(word, answer)
    return " ".join(line.split())


def on_pages() -> list[str]:
    """Commands of the pages, each once, in an order in which they can be run."""
    texts = [line for block in COMMANDS for line in lines(block.text)]
    texts += [line for page in PAGES for line in INLINE.findall(page.read_text())]
    ours = [text for text in texts if words_of(text)[0] == "azlm" and "…" not in text]
    mentions = [text for text in ours if len(words_of(text)) == 2 and verb(text) not in WHOLE]
    return sorted({runnable(text) for text in ours if text not in mentions}, key=_position)


def verb(line: str) -> str:
    """The name of the command."""
    return words_of(line)[1]


def _position(line: str) -> tuple[int, str]:
    return ORDER.index(verb(line)), line


class Reader:
    """Somebody who types the commands in a directory with `migration.yaml`."""

    def __init__(self, bed: Bed, directory: Path) -> None:
        self._bed = bed
        self._directory = directory
        self._environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(bed.plane.kubeconfig),
            "AZLM_SUBSCRIPTION_ID": ZERO,
            "AZLM_RESOURCE_GROUP": "demo-rg",
            "AZLM_CLUSTER": "demo",
            "BROWSER": "true",
        }

    def type(self, line: str) -> str:
        """Run a command; what is wrong with its answer, or nothing."""
        if verb(line) == "ui":
            return self._open(line)
        done = subprocess.run(
            ["bash", "-c", self._here(line)],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        right = STATES.get(verb(line), DONE_OR_WAITING)
        return "" if done.returncode in right else f"{done.returncode}: {done.stderr[-400:]}"

    def _here(self, line: str) -> str:
        """The command with what only this cluster needs, and without a question."""
        name = verb(line)
        flags = "--yes " if name in CONFIRMED else ""
        if any("--arm-endpoint" in parameter.opts for parameter in azlm.commands[name].params):
            flags += f"--arm-endpoint={self._bed.aks.url} "
        return line.replace(f"azlm {name}", f"azlm {name} {flags}".rstrip(), 1)

    def _open(self, line: str) -> str:
        with subprocess.Popen(
            ["bash", "-c", f"exec {self._here(line)}"],
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            try:
                with urllib.request.urlopen(url, timeout=30) as answer:
                    return "" if "<html" in answer.read().decode() else "no page"
            except (OSError, ValueError) as error:
                return f"{url}: {error}"
            finally:
                process.terminate()


def _migration(pool: str, **spec: object) -> str:
    body = {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": pool},
        "spec": {"source": {"nodePool": pool}, **spec},
    }
    return json.dumps(body)


@pytest.fixture
def reader(bed: Bed, tmp_path: Path) -> Reader:
    apply(bed.plane.kubeconfig, pool_nodes("gpu", 1, seed=3))
    bed.fill([deployment("web", 4), budget("web", maxUnavailable=1)], nodes=2)
    bed.start_aks()
    bed.start_operator()
    (tmp_path / "migration.yaml").write_text(_migration("workers", approval="BeforeDrain"))
    bed.kubectl("apply", "-f", str(tmp_path / "migration.yaml"))
    bed.wait_reason("AwaitingApproval")
    record = bed.kubectl("get", "azlm", "workers", "-o", "yaml")
    (tmp_path / "record.yaml").write_text(record)
    return Reader(bed, tmp_path)


def test_every_command_has_its_place() -> None:
    commands = on_pages()
    assert len(commands) > 30
    assert {verb(line) for line in commands} <= set(ORDER)
    assert not [line for line in commands if re.search(r"\b[A-Z]{4,}\b", line)]


@pytest.mark.cluster
def test_every_command_on_a_page_runs(bed: Bed, reader: Reader) -> None:
    wrong: dict[str, str] = {}
    for line in on_pages():
        if "blockers system" in line:
            bed.kubectl("apply", "-f", "-", stdin=_migration("system", paused=True))
        if problem := reader.type(line):
            wrong[line] = problem
        if "blockers system" in line:
            bed.kubectl("delete", "azlm", "system")
        if verb(line) == "rollback":
            bed.wait_reason("RolledBack", "Stalled")
    assert not wrong, "\n".join(f"{line}: {problem}" for line, problem in wrong.items())
