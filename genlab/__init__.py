"""genlab: deep generative models in JAX and Flax, every family a game of players."""

__version__ = "0.1.0"
