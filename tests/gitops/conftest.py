"""The tests of `make gitops`: not part of `make test`, because their tools take long to build."""

import os

collect_ignore_glob = [] if os.environ.get("AZLM_GITOPS") else ["test_*.py"]
