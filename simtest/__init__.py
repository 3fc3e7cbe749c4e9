"""Whole migrations with faults in the simulated world: what must hold, held after every event."""
