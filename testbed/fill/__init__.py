"""Source nodes and workloads for a control plane, as data: shapes are lists of manifests."""
