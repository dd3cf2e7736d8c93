"""Pure functions on arrays: un-reduced, per example, in nats."""
