"""The forecast's simulated cluster, in virtual time."""
