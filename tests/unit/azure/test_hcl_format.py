"""Generated HCL has the layout of terraform fmt."""

import shutil
import subprocess
from pathlib import Path

import pytest

from azure_linux_migrator.azure import terraform
from azure_linux_migrator.azure.hcl_format import aligned
from tests.support.pool_properties import EVERYTHING
from tests.support.worlds import target

MODULE = Path(__file__).parents[3] / "deploy" / "azure" / "terraform"
FORMATTERS = (
    ("terraform", "fmt", "-check"),
    ("tofu", "fmt", "-check"),
    ("hclfmt", "-require-no-change"),
)

WRITTEN = """\
resource "a" "b" {
  name = "x"
  max_pods = 60
  node_labels = {
    "team" = "a = b"
    "long/name" = "c"
  }
  zones = ["1", "2"]
  kubelet_config {
    cpu = true
  }
  removed { # and more = less
  lifecycle { destroy = false }
}"""
FORMATTED = """\
resource "a" "b" {
  name     = "x"
  max_pods = 60
  node_labels = {
    "team"      = "a = b"
    "long/name" = "c"
  }
  zones = ["1", "2"]
  kubelet_config {
    cpu = true
  }
  removed { # and more = less
  lifecycle { destroy = false }
}"""


def test_equals_signs_of_lines_one_below_the_other_are_aligned() -> None:
    assert aligned(WRITTEN) == FORMATTED
    assert aligned(FORMATTED) == FORMATTED


def unformatted(file: Path) -> str:
    """What a formatter complains of: Terraform, OpenTofu, or hclfmt (of hashicorp/hcl)."""
    formatters = [command for command in FORMATTERS if shutil.which(command[0])]
    if not formatters:
        pytest.skip("none of terraform, tofu and hclfmt is installed")
    done = subprocess.run([*formatters[0], file], capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


@pytest.mark.parametrize("mode", ["User", "System"])
def test_a_formatter_changes_nothing_of_a_hand_over(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "pool.tf"
    file.write_text(terraform.change(target(properties=EVERYTHING, mode=mode), "src") + "\n")
    assert unformatted(file) == ""


@pytest.mark.parametrize("file", sorted(MODULE.glob("*.tf")), ids=lambda file: file.name)
def test_a_formatter_changes_nothing_of_the_module(file: Path) -> None:
    assert unformatted(file) == ""
