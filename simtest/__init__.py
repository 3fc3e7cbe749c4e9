"""Whole migrations with faults in a simulated cluster. Invariants are checked after every event."""
