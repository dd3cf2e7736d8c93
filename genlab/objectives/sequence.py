"""Negative log-likelihoods of sequences of tokens, summed over the steps."""

import chex
import jax
import jax.numpy as jnp

from genlab.registry import objectives

Array = jax.Array


@objectives.register
def categorical(outputs: Array, x: Array) -> Array:
    """Softmax cross-entropy of one-hot tokens, -sum_t log softmax(l_t)[token of t].

    Args:
      outputs: [B, T, V], logits l; the steps may have any axes, the last one is the tokens.
      x: [B, T, V], one-hot, the same shape.

    Returns:
      [B], nats.
    """
    chex.assert_equal_shape([outputs, x])
    chex.assert_axis_dimension_gt(outputs, -1, 1)
    terms = -x * jax.nn.log_softmax(outputs, axis=-1)
    return jnp.sum(terms, axis=tuple(range(1, x.ndim)))


categorical.mean = jax.nn.softmax
