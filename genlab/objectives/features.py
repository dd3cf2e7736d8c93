"""Adversarial objectives of what lies between the examples and the logits of a discriminator."""

import chex
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import parallel
from genlab.numbers import NonNegative
from genlab.objectives.adversarial import Terms, non_saturating
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def feature_matching(
    real_logits: Array,
    fake_logits: Array,
    real_features: Array | None,
    fake_features: Array | None,
    *,
    adversarial_weight: NonNegative = 0.0,
) -> Terms:
    """The generator matches the mean of the discriminator's features on real examples.

    Discriminator: as in `non_saturating`; generator: ||E f(x) - E f(G(z))||^2 + a E[sp(-D(G(z)))]; the
    means are over the whole batch, f is the method `features` of the
    discriminator.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.
      real_features: [B, K], f(x) of real examples; any rank of two or more.
      fake_features: [B, K], f(G(z)) of generated examples, the same shape.
      adversarial_weight: a.

    Returns:
      Terms; that of the features is [], in the square of their unit.

    Raises:
      InputError: the discriminator has no features.

    Paper: Salimans et al. 2016, arXiv:1606.03498
    """
    if real_features is None or fake_features is None:
        raise InputError(
            "objective 'feature_matching' needs a discriminator with a method 'features', what"
            " its last layer sees"
        )
    chex.assert_equal_shape([real_features, fake_features])
    gap = jnp.mean(real_features - fake_features, axis=0, dtype=jnp.float32)
    gap = parallel.mean_over_devices(gap)
    terms = non_saturating(real_logits, fake_logits)
    terms["generator"] = {
        "features": jnp.sum(jnp.square(gap)),
        "fake": adversarial_weight * terms["generator"]["fake"],
    }
    return terms
