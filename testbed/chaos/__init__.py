"""Migrations on the real control plane while it, the network and the operator fail."""
