"""Ten shapes that clusters of AKS commonly have: nothing blocks the migration of their pools, and
at most two warnings of each are of no use to the admin.
"""

import pytest

from azure_linux_migrator.core.preflight.findings import Severity
from tests.support.cluster_shapes import SHAPES, ShapedCluster, cluster_of


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_common_cluster_is_clear_and_little_is_noise(shape: ShapedCluster) -> None:
    cluster = cluster_of(shape)
    warnings = set()
    for pool in cluster.pools():
        progress = cluster.preflight(source={"nodePool": pool})
        assert progress.state == "done", (pool, progress.message)
        assert progress.findings is not None
        unchecked = [
            str(finding) for finding in progress.findings if finding.severity == Severity.UNCHECKED
        ]
        assert not unchecked, pool
        warnings |= {
            (finding.rule, str(finding))
            for finding in progress.findings
            if finding.severity is Severity.WARN
        }
    noise = sorted(warning for warning in warnings if warning[0] not in shape.worth)
    assert len(noise) <= 2, noise
    assert shape.worth <= {rule for rule, _ in warnings}, warnings
