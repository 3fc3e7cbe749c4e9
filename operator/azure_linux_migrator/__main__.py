"""`python -m azure_linux_migrator` is `azlm`."""

import sys

from azure_linux_migrator.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
