"""The command kubectl_complete-azlm, which kubectl asks for completions of `kubectl azlm`."""

import sys

from azure_linux_migrator.cli.completion import for_kubectl
from azure_linux_migrator.cli.main import azlm


def main() -> int:
    """Print the completions of the words on the command line; returns the exit code."""
    print(for_kubectl(azlm, sys.argv[1:]))
    return 0
