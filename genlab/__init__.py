"""genlab: deep generative models in JAX and Flax, every family a game of players."""

from genlab.process import xla

__version__ = "0.1.0"

xla.keep_sums_right()
