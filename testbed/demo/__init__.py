"""A whole migration on the embedded control plane, watched by an independent observer."""
