"""Data sets and the batch schedule, a pure function of (seed, step)."""
