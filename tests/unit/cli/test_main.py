"""The command line's messages about errors: what failed, where, and what to do; and exit codes."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from azure_linux_migrator.api import crd
from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.cli.main import USAGE, main
from azure_linux_migrator.cli.main import azlm as command
from azure_linux_migrator.cli.options import ReadingFlags, reading, settings
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.errors import AzlmError, AzureError, KubernetesError
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.snapshot import save
from tests.support.forecasts import budget, deployment, snapshot

MIGRATION: dict[str, Any] = {
    "apiVersion": "azlm.dev/v1alpha1",
    "kind": "AzureLinuxMigration",
    "metadata": {"name": "m"},
    "spec": {"source": {"nodePool": "workers"}},
}
CLUSTER = {
    "subscriptionID": "00000000-0000-0000-0000-000000000000",
    "resourceGroup": "g",
    "name": "c",
}
_CLUSTER_VARIABLES = ("AZLM_SUBSCRIPTION_ID", "AZLM_RESOURCE_GROUP", "AZLM_CLUSTER")
CONTEXT = {"name": "here", "context": {"cluster": "c", "user": "u"}}
KUBECONFIG: dict[str, Any] = {
    "contexts": [CONTEXT],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {}}],
}


class Azlm:
    """The command, in this process."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        cluster_snapshot = snapshot()
        deployment(cluster_snapshot, "web", 2)
        self.snapshot = folder / "snapshot.json"
        save(cluster_snapshot, self.snapshot)

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self._monkeypatch.setattr(sys, "argv", ["azlm", *map(str, arguments)])
        try:
            code = main()
        except SystemExit as end:
            code = int(end.code or 0)
        output = self._capsys.readouterr()
        return code, output.out, output.err

    def file(self, content: object, name: str = "m.yaml") -> Path:
        """Text as it is, or an object as YAML."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    def plan(self, content: object, *flags: str | Path) -> tuple[int, str, str]:
        """azlm plan of that file on a snapshot, once."""
        flags = (*flags, "--runs=1", "--snapshot", self.snapshot)
        return self("plan", "-f", self.file(content), *flags)


@pytest.fixture
def azlm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Azlm:
    for name in ("KUBECONFIG", "AZLM_SUBSCRIPTION_ID", "AZLM_RESOURCE_GROUP", "AZLM_CLUSTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return Azlm(tmp_path, monkeypatch, capsys)


def _with(**spec: Any) -> dict[str, Any]:
    return MIGRATION | {"spec": MIGRATION["spec"] | spec}


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in MIGRATION.items() if key != name}


def test_clear_is_0_and_blocked_is_2(azlm: Azlm) -> None:
    code, out, err = azlm.plan(MIGRATION)
    assert (code, err) == (0, "")
    assert "2 move" in out
    cluster_snapshot = snapshot()
    deployment(cluster_snapshot, "web", 2)
    budget(cluster_snapshot, "web", 0)
    save(cluster_snapshot, azlm.snapshot)
    code, out, _ = azlm.plan(MIGRATION)
    assert code == 2
    assert "pdb.zero: PodDisruptionBudget default/web" in out
    assert "→ let the budget allow a disruption" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing command"),
        (("nosuch",), "No such command 'nosuch'"),
        (("plan",), "'-f' / '--filename'"),
        (("plan", "-f", "x", "--nosuch"), "--nosuch"),
        (("plan", "-f", "x", "--time", "y"), "No such option '--time'"),
        (("plan", "-f", "x", "--runs", "-1"), "'--runs': -1 is not in the range 1<=x<=10000"),
        (("plan", "-f", "x", "--runs", "0"), "'--runs': 0 is not in the range"),
        (("plan", "-f", "x", "--runs", "1.5"), "'1.5' is not a valid integer"),
        (("plan", "-f", "x", "--pod-stop-seconds", "-1"), "-1.0 is not in the range x>=0"),
        (("plan", "-f", "x", "--node-boot-seconds", "nan"), "nan is not a finite number"),
        (("plan", "-f", "x", "--job-seconds", "inf"), "inf is not a finite number"),
        (("plan", "-f", "x", "--node-delete-seconds", "1m"), "'1m' is not a valid"),
        (("preflight", "-f", "x", "-o", "xml"), "'xml' is not one of 'table', 'json', 'yaml'"),
        (("snapshot",), "'-o' / '--output'"),
        (("run", "--metrics-port", "70000"), "70000 is not in the range 0<=x<=65535"),
        (("crd", "more"), "more"),
    ],
)
def test_wrong_usage_is_64_in_one_line(azlm: Azlm, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = azlm(*arguments)
    assert (code, out) == (USAGE, "")
    assert words in err
    assert "--help explains more" in err
    assert err.count("\n") == 1


def test_a_variable_that_is_wrong_is_named(azlm: Azlm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLM_CLOUD", "moon")
    code, out, err = azlm("plan", "-f", "x")
    assert (code, out) == (USAGE, "")
    assert "'moon' is not one of 'public', 'usgov', 'china'" in err


@pytest.mark.parametrize("name", ["run", "preflight", "plan", "snapshot", "crd"])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_explains_every_flag_and_the_exit_codes(azlm: Azlm, name: str, flag: str) -> None:
    code, out, _ = azlm(name, flag)
    assert code == 0
    assert "64  wrong usage" in out
    assert ("2   blocked" in out) is (name in {"plan", "preflight"})
    if name in {"plan", "preflight", "snapshot"}:
        assert "$KUBECONFIG, or ~/.kube/config" in " ".join(out.split())
        assert "ServiceAccount" not in out
    options = [param for param in command.commands[name].params if isinstance(param, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_the_version_is_the_installed_packages(azlm: Azlm) -> None:
    assert azlm("--version") == (0, f"azlm {version('azure-linux-migrator')}\n", "")


def test_the_flags_assume_what_a_forecast_assumes() -> None:
    defaults = command.commands["plan"].make_context("plan", ["-f", "x"]).params
    assert Assumptions() == Assumptions(
        defaults["pod_stop_seconds"],
        defaults["node_boot_seconds"],
        defaults["node_delete_seconds"],
        defaults["job_seconds"],
    )


def _settings(*arguments: str) -> Settings:
    context = command.commands["run"].make_context("run", list(arguments))
    return settings(**context.params)


def test_settings_come_from_flags_then_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "POD_NAMESPACE",
        "POD_NAME",
        "AZLM_CLOUD",
        "AZLM_AKS_API_VERSION",
        *_CLUSTER_VARIABLES,
    ):
        monkeypatch.setenv(name, "")
    assert _settings() == Settings()
    monkeypatch.setenv("POD_NAMESPACE", "here")
    monkeypatch.setenv("POD_NAME", "azlm-0")
    monkeypatch.setenv("AZLM_CLOUD", "china")
    monkeypatch.setenv("AZLM_AKS_API_VERSION", "2026-03-01")
    for name, value in zip(_CLUSTER_VARIABLES, CLUSTER.values(), strict=True):
        monkeypatch.setenv(name, value)
    cluster = ClusterRef.model_validate(CLUSTER)
    given = Settings(
        namespace="here",
        identity="azlm-0",
        cloud="china",
        cluster=cluster,
        aks_api_version="2026-03-01",
    )
    assert _settings() == given
    flags = ("--namespace=there", "--log-format=json", "--metrics-port=0", "--cluster-name=d")
    changed = cluster.model_copy(update={"name": "d"})
    assert _settings(*flags) == replace(
        given, namespace="there", log_format="json", metrics_port=0, cluster=changed
    )


@pytest.mark.parametrize(
    ("arguments", "unloaded"),
    [
        (("--help",), ("pydantic", "yaml", "azure.identity", "kopf", "kubernetes", "aiohttp")),
        (("crd",), ("azure.identity", "kopf", "kubernetes", "aiohttp")),
        (
            ("plan", "-f", "m.yaml", "--runs=1", "--snapshot=snapshot.json", "--timeline=x.svg"),
            ("azure.identity", "azure.core", "kopf", "kubernetes", "aiohttp", "prometheus_client"),
        ),
    ],
)
def test_a_command_loads_only_what_it_needs(
    azlm: Azlm, arguments: tuple[str, ...], unloaded: tuple[str, ...]
) -> None:
    azlm.file(MIGRATION)
    script = f"""
import sys
from azure_linux_migrator.cli.main import main
code = main()
print(code, [name for name in {unloaded} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=azlm.folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "0 []\n"
    assert done.stdout


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (KubernetesError(401, "no"), 1)]
)
def test_how_a_command_that_is_broken_off_ends(
    azlm: Azlm, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(crd, "render", fail)
    assert azlm("crd")[0] == code


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KubernetesError(401, "Unauthorized"), "sign in again (az login)"),
        (KubernetesError(403, "forbidden"), "Azure Kubernetes Service RBAC Reader"),
        (KubernetesError(404, "404 page not found"), "azlm is not installed in this cluster"),
        (AzureError("ResourceNotFound", "no such cluster"), "as az aks list -o table shows them"),
        (AzureError("AuthorizationFailed", "no right"), "a role such as Reader on the cluster"),
        (AzureError("AuthenticationFailed", "no token"), "sign in with az login"),
    ],
)
def test_an_error_says_what_to_do(
    azlm: Azlm, monkeypatch: pytest.MonkeyPatch, error: AzlmError, words: str
) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(crd, "render", fail)
    code, _, err = azlm("crd")
    assert code == 1
    assert err.startswith(f"azlm: {error}; ")
    assert words in err


def test_an_object_that_there_is_not_is_no_missing_installation(
    azlm: Azlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise KubernetesError(404, "no such migration", body={"reason": "NotFound"})

    monkeypatch.setattr(crd, "render", fail)
    assert azlm("crd")[2] == "azlm: no such migration\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    shell = f"set -o pipefail; {sys.executable} -m azure_linux_migrator crd | true"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["bash", "-c", shell], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty; -f wants the migration itself"),
        ("a: b: c", "is neither YAML nor JSON: line 1, column 5: mapping values"),
        ("\t{", "is neither YAML nor JSON: line 1"),
        ("[1, 2]", "but a list"),
        ("just text", "but a str"),
        (MIGRATION | {"kind": "Deployment"}, "holds no AzureLinuxMigration, but Deployment m"),
        (MIGRATION | {"apiVersion": "azlm.dev/v2"}, "apiVersion is azlm.dev/v2; this azlm knows"),
        (_without("apiVersion"), "apiVersion is missing"),
        (_without("spec"), "spec is missing; the least it needs is spec.source.nodePool"),
        (MIGRATION | {"spec": "x"}, "spec must be a mapping"),
        (MIGRATION | {"spec": {}}, "spec.source is missing"),
        (MIGRATION | {"spec": {"paused": True}}, "spec.source is missing"),
        (MIGRATION | {"metadata": "m"}, "metadata must be a mapping"),
        (MIGRATION | {"metadata": {"name": "M y"}}, "metadata.name must be lower-case"),
        (MIGRATION | {"metadata": {"name": "a" * 64}}, "metadata.name must be at most 63"),
        (MIGRATION | {"drain": {}}, "drain is no field of AzureLinuxMigration; is it to stand"),
        (_with(nosuch=1), "spec.nosuch is no field"),
        (_with(strategy={"batch": {"size": "abc"}}), "spec.strategy.batch.size must be a number"),
        (_with(strategy={"batch": {"size": 0}}), "or a percentage from 1% to 100%, not 0"),
        (
            _with(strategy={"type": "InPlace"}, target={"count": 3}),
            "with spec.strategy.type InPlace AKS changes the source pool itself",
        ),
        (f"{json.dumps(MIGRATION)}\n---\n{json.dumps(MIGRATION)}", "holds 2 objects of kind"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "preflight"])
def test_a_file_that_is_no_migration(azlm: Azlm, command: str, content: object, words: str) -> None:
    file = azlm.file(content)
    code, out, err = azlm(command, "-f", file)
    assert (code, out) == (1, "")
    assert err.startswith(f"azlm: {file}")
    assert words in err


def test_all_that_is_wrong_with_a_spec_is_reported_at_once(azlm: Azlm) -> None:
    _, _, err = azlm.plan(_with(drain={"timeOut": "1m"}, paused="yes"))
    assert "  - spec.drain.timeOut is no field; is timeout meant?\n" in err
    assert '  - spec.paused must be true or false, not "yes"\n' in err


def test_a_file_that_cannot_be_read(azlm: Azlm) -> None:
    code, _, err = azlm("plan", "-f", azlm.folder / "nosuch.yaml")
    assert code == 1
    assert "nosuch.yaml cannot be read: No such file or directory" in err
    assert "Is a directory" in azlm("plan", "-f", azlm.folder)[2]
    binary = azlm.folder / "binary.yaml"
    binary.write_bytes(b"\x80\x81\xff" * 50)
    code, _, err = azlm("snapshot", "-o", azlm.folder / "s.json", "-f", binary)
    assert code == 1
    assert "binary.yaml is no text" in err


def test_without_a_name_a_migration_is_called_by_its_pool(azlm: Azlm) -> None:
    for nameless in (_without("metadata"), MIGRATION | {"metadata": {"generateName": "m-"}}):
        code, out, _ = azlm.plan(nameless)
        assert code == 0
        assert out.startswith("migration workers: ")


def test_a_migration_among_others_in_a_list_or_from_the_standard_input(
    azlm: Azlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert azlm.plan({"kind": "List", "items": [space, MIGRATION]})[0] == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{json.dumps(space)}\n---\n{MIGRATION}"))
    code, out, _ = azlm("plan", "-f", "-", "--runs=1", "--snapshot", azlm.snapshot)
    assert code == 0
    assert out.startswith("migration m: ")


def test_where_nothing_can_be_written_nothing_is_begun(azlm: Azlm) -> None:
    for target, why in (
        (azlm.folder / "no" / "x.svg", "No such file or directory"),
        (azlm.folder, "Is a directory"),
    ):
        message = f"azlm: {target} cannot be written: {why}; give another file with"
        assert azlm.plan(MIGRATION, "--timeline", target) == (1, "", f"{message} --timeline\n")
        assert azlm("snapshot", "-o", target) == (1, "", f"{message} -o\n")


@pytest.mark.parametrize(
    ("config", "flags", "words"),
    [
        (None, (), "there is no kubeconfig at "),
        ("", (), "is no kubeconfig: it is empty; az aks get-credentials writes one"),
        ("a: b: c", (), "is no kubeconfig: it is not YAML"),
        ({"kind": "Config"}, (), "has no contexts; az aks get-credentials writes one"),
        (KUBECONFIG, (), "has no current context: choose one by --context (here)"),
        (KUBECONFIG, ("--context=no",), "has no context no (--context); its contexts are: here"),
        (KUBECONFIG | {"current-context": "x"}, (), "has no context x (current-context)"),
        (KUBECONFIG | {"users": []}, ("--context=here",), "names user u, which is not there"),
        (
            KUBECONFIG | {"contexts": [{"name": "here"}]},
            ("--context=here",),
            "context here of kubeconfig",
        ),
        (KUBECONFIG, ("--context=here",), "no answer from the Kubernetes API"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "snapshot"])
def test_a_cluster_that_cannot_be_reached(
    azlm: Azlm, command: str, config: object, flags: tuple[str, ...], words: str
) -> None:
    path = azlm.folder / "none" if config is None else azlm.file(config, "kubeconfig")
    file = azlm.file(_with(cluster=CLUSTER))
    out = ("-o", azlm.folder / "s.json") if command == "snapshot" else ()
    arguments = ("-f", file, *out, "--kubeconfig", path, "--arm-endpoint=http://127.0.0.1:1")
    code, _, err = azlm(command, *arguments, *flags)
    assert code == 1
    assert words in err
    assert "Traceback" not in err


def test_a_missing_kubeconfig_is_reported_before_azures_flags(azlm: Azlm) -> None:
    file = azlm.file(MIGRATION)
    code, _, err = azlm("preflight", "-f", file, "--kubeconfig", azlm.folder / "none")
    assert code == 1
    assert "there is no kubeconfig at " in err


def test_a_flag_that_names_no_cluster_is_reported_by_its_name(azlm: Azlm) -> None:
    flags = ("--subscription-id=x", "--resource-group=g", "--cluster-name=c")
    code, _, err = azlm("preflight", "-f", azlm.file(MIGRATION), *flags)
    assert code == 1
    assert "--subscription-id (AZLM_SUBSCRIPTION_ID) must be a GUID" in err
    assert "validation error" not in err


def test_several_kubeconfigs_are_one(azlm: Azlm, monkeypatch: pytest.MonkeyPatch) -> None:
    first = azlm.file({"contexts": [CONTEXT], "current-context": "here"}, "first")
    second = azlm.file({**KUBECONFIG, "contexts": []}, "second")
    monkeypatch.setenv("KUBECONFIG", f"{azlm.folder / 'none'}:{first}:{second}")
    file = azlm.file(_with(cluster=CLUSTER))
    code, _, err = azlm("plan", "-f", file, "--arm-endpoint=http://127.0.0.1:1")
    assert code == 1
    assert "is the cluster started, reachable from here, and the context the right one?" in err


def test_the_types_of_the_flags_are_those_of_the_options() -> None:
    command = click.command()(reading(lambda **_: None))
    assert ReadingFlags.__annotations__.keys() == {option.name for option in command.params}
