"""Faults put into azlm on purpose: the simulation has to find each of them."""
