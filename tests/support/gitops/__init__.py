"""Real Argo CD and real Flux on the embedded control plane, fed from a Git repository."""
