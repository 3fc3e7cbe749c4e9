"""Writes what is generated under deploy/monitoring: `make monitoring`."""
