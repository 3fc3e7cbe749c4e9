"""The ``azlm`` command."""


def main() -> int:
    """Run the command line; return its exit code."""
    return 0
