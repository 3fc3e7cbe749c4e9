"""What the command line says of mistakes: what, where, what to do; and how it ends."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from azure_linux_migrator.__main__ import main
from azure_linux_migrator.cli.flags import USAGE, parser
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
        made = snapshot()
        deployment(made, "web", 2)
        self.snapshot = folder / "snapshot.json"
        save(made, self.snapshot)

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self._monkeypatch.setattr(sys, "argv", ["azlm", *map(str, arguments)])
        try:
            code = main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err

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
    made = snapshot()
    deployment(made, "web", 2)
    budget(made, "web", 0)
    save(made, azlm.snapshot)
    code, out, _ = azlm.plan(MIGRATION)
    assert code == 2
    assert "pdb.zero: PodDisruptionBudget default/web" in out
    assert "→ add a replica or let the budget allow a disruption" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "COMMAND"),
        (("nosuch",), "invalid choice: 'nosuch'"),
        (("plan",), "-f/--filename"),
        (("plan", "-f", "x", "--nosuch"), "--nosuch"),
        (("plan", "-f", "x", "--runs", "-1"), "--runs: must be a whole number from 1"),
        (("plan", "-f", "x", "--runs", "0"), "--runs: must be a whole number from 1"),
        (("plan", "-f", "x", "--runs", "1.5"), "not '1.5'"),
        (("plan", "-f", "x", "--pod-stop-seconds", "-1"), "--pod-stop-seconds: must be a number"),
        (("plan", "-f", "x", "--node-boot-seconds", "nan"), "of seconds from 0 on, not 'nan'"),
        (("plan", "-f", "x", "--job-seconds", "inf"), "of seconds from 0 on, not 'inf'"),
        (("plan", "-f", "x", "--node-delete-seconds", "1m"), "not '1m'"),
        (("preflight", "-f", "x", "-o", "yaml"), "invalid choice: 'yaml'"),
        (("snapshot",), "-o/--output"),
        (("run", "--metrics-port", "70000"), "must be a port from 0 to 65535, not '70000'"),
        (("crd", "more"), "more"),
    ],
)
def test_wrong_usage_is_64_in_one_line(azlm: Azlm, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = azlm(*arguments)
    assert (code, out) == (USAGE, "")
    assert words in err
    assert "--help tells more" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["run", "preflight", "plan", "snapshot", "crd"])
def test_the_help_tells_every_flag_and_the_exit_codes(azlm: Azlm, command: str) -> None:
    code, out, _ = azlm(command, "--help")
    assert code == 0
    assert "64  wrong usage" in out
    assert ("2   blocked" in out) is (command in {"plan", "preflight"})
    if command in {"plan", "preflight", "snapshot"}:
        assert "$KUBECONFIG, or ~/.kube/config" in out
        assert "ServiceAccount" not in out
    commands = next(action for action in parser()._actions if action.dest == "command")
    assert isinstance(commands.choices, dict)
    assert [a.dest for a in commands.choices[command]._actions if not a.help] == []


def test_the_flags_assume_what_a_forecast_assumes() -> None:
    given = parser().parse_args(["plan", "-f", "x"])
    assert Assumptions() == Assumptions(
        given.pod_stop_seconds,
        given.node_boot_seconds,
        given.node_delete_seconds,
        given.job_seconds,
    )


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


def test_all_that_is_wrong_with_a_spec_is_told_at_once(azlm: Azlm) -> None:
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
        told = f"azlm: {target} cannot be written: {why}; give another file with"
        assert azlm.plan(MIGRATION, "--timeline", target) == (1, "", f"{told} --timeline\n")
        assert azlm("snapshot", "-o", target) == (1, "", f"{told} -o\n")


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


def test_several_kubeconfigs_are_one(azlm: Azlm, monkeypatch: pytest.MonkeyPatch) -> None:
    first = azlm.file({"contexts": [CONTEXT], "current-context": "here"}, "first")
    second = azlm.file({**KUBECONFIG, "contexts": []}, "second")
    monkeypatch.setenv("KUBECONFIG", f"{azlm.folder / 'none'}:{first}:{second}")
    file = azlm.file(_with(cluster=CLUSTER))
    code, _, err = azlm("plan", "-f", file, "--arm-endpoint=http://127.0.0.1:1")
    assert code == 1
    assert "is the cluster started, reachable from here, and the context the right one?" in err
