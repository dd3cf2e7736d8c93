"""Negative log-likelihoods of sequences of tokens, summed over the steps."""

import chex
import jax
import jax.numpy as jnp

from genlab.objectives.likelihood import likelihood
from genlab.registry import objectives

Array = jax.Array


@objectives.register
@likelihood(mean=jax.nn.softmax, support=(0.0, 1.0))
def categorical(outputs: Array, targets: Array) -> Array:
    """Softmax cross-entropy of one-hot tokens, -sum_t log softmax(l_t)[token of t].

    Args:
      outputs: [B, T, V], logits l; the steps may have any axes, the last one is the tokens.
      targets: [B, T, V], one-hot, the same shape.

    Returns:
      [B], nats.
    """
    chex.assert_equal_shape([outputs, targets])
    chex.assert_axis_dimension_gt(outputs, -1, 1)
    terms = -targets * jax.nn.log_softmax(outputs, axis=-1)
    return jnp.sum(terms, axis=tuple(range(1, targets.ndim)))
