"""Boltzmann machines as pure functions: energies, Gibbs kernels, partition functions."""
