"""What an autoencoder minimises whose codes are quantised."""

import chex
import jax

from genlab.numbers import NonNegative
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def vector_quantization(
    reconstruction: Array, commitment: Array, *, beta: NonNegative = 0.25
) -> dict[str, Array]:
    """-log p(x|z) + b ||f(x) - sg(e)||^2, e the codes nearest to f(x).

    The codebook itself follows by moving averages. Under a uniform prior the KL is
    log K for every code of an example, a constant.

    Args:
      reconstruction: [B], -log p(x|z).
      commitment: [B], ||f(x) - sg(e)||^2, summed over all codes of an example.
      beta: b, 0 or more.

    Returns:
      The terms `reconstruction`, nats, and `commitment`, [B] each.

    Paper: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, equation 3
    """
    chex.assert_rank([reconstruction, commitment], 1)
    return {"reconstruction": reconstruction, "commitment": beta * commitment}
