"""Generated HCL has the layout of terraform fmt."""

from azure_linux_migrator.azure.hcl_format import aligned

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
