"""Inference without an encoder, as pure functions: exact posteriors, modes, and q fitted to each example."""
