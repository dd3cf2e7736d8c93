"""What discriminator and generator minimise, from the logits of real and generated examples.

Each function returns the terms of both players, `{"discriminator": {term: [B]}, "generator":
{term: [B]}}`; a player minimises the sum of the means of its own. sp is the softplus,
sp(x) = log(1 + exp(x)), so that sp(-l) = -log sigmoid(l) and sp(l) = -log(1 - sigmoid(l)).
"""

import chex
import jax
import jax.numpy as jnp

from genlab.game import rng
from genlab.numbers import Fraction
from genlab.objectives.likelihood import coin_cross_entropy
from genlab.registry import objectives

Array = jax.Array
Terms = dict[str, dict[str, Array]]


@objectives.register
def minimax(
    real_logits: Array, fake_logits: Array, *, real_label: Fraction = 1.0
) -> Terms:
    """The zero-sum game: the generator maximises what the discriminator minimises.

    Discriminator: E[sp(-D(x))] + E[sp(D(G(z)))]; generator: -E[sp(D(G(z)))]. At the optimal
    discriminator the value is 2 JS(data, model) - 2 log 2.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.
      real_label: target of real examples, 0.9 for one-sided label smoothing; fakes keep 0.

    Returns:
      Terms in nats.

    Paper: Goodfellow et al. 2014, arXiv:1406.2661; label smoothing: Salimans et al. 2016,
      arXiv:1606.03498
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    return {
        "discriminator": _cross_entropy(real_logits, fake_logits, real_label),
        "generator": {"fake": -jax.nn.softplus(fake_logits)},
    }


@objectives.register
def non_saturating(
    real_logits: Array, fake_logits: Array, *, real_label: Fraction = 1.0
) -> Terms:
    """The generator maximises log D(G(z)), whose gradient does not vanish when D wins.

    Discriminator: E[sp(-D(x))] + E[sp(D(G(z)))]; generator: E[sp(-D(G(z)))].

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.
      real_label: target of real examples, 0.9 for one-sided label smoothing; fakes keep 0.

    Returns:
      Terms in nats.

    Paper: Goodfellow et al. 2014, arXiv:1406.2661; label smoothing: Salimans et al. 2016,
      arXiv:1606.03498
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    return {
        "discriminator": _cross_entropy(real_logits, fake_logits, real_label),
        "generator": {"fake": jax.nn.softplus(-fake_logits)},
    }


@objectives.register
def log_ratio(real_logits: Array, fake_logits: Array) -> Terms:
    """The generator minimises KL(model || data) by the density ratio that the discriminator tells.

    Discriminator: E[sp(-D(x))] + E[sp(D(G(z)))], at whose optimum D = log p_data - log p_model;
    generator: -E[D(G(z))], then that KL. Of codes against permuted ones it is their total correlation.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.

    Returns:
      Terms in nats.

    Papers: Sonderby et al. 2017, arXiv:1610.04490; of codes: Kim & Mnih 2018, arXiv:1802.05983
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    return {
        "discriminator": _cross_entropy(real_logits, fake_logits, 1.0),
        "generator": {"fake": -fake_logits},
    }


@objectives.register
def noisy_labels(
    real_logits: Array,
    fake_logits: Array,
    key: Array,
    *,
    real_low: Fraction = 0.7,
    real_high: Fraction = 1.0,
    fake_low: Fraction = 0.0,
    fake_high: Fraction = 0.3,
) -> Terms:
    """`non_saturating`, with a target drawn for each example in the place of 1 and 0.

    Discriminator: E[t sp(-D(x)) + (1 - t) sp(D(x))], t ~ U[real_low, real_high), and the same of fakes
    with targets of their own; generator: E[sp(-D(G(z)))]. Labels that are wrong altogether are
    `flip_labels` of the family.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.
      key: of the targets.
      real_low: least target of real examples.
      real_high: the greatest.
      fake_low: least target of fakes.
      fake_high: the greatest.

    Returns:
      Terms in nats.

    Paper: Salimans et al. 2016, arXiv:1606.03498
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    drawn = lambda name, *ends: rng.uniform(
        rng.fold(key, name), real_logits.shape, *ends
    )
    real = drawn("real", real_low, real_high)
    fake = drawn("fake", fake_low, fake_high)
    return {
        "discriminator": {
            "real": coin_cross_entropy(real_logits, real),
            "fake": coin_cross_entropy(fake_logits, fake),
        },
        "generator": {"fake": jax.nn.softplus(-fake_logits)},
    }


@objectives.register
def least_squares(
    real_logits: Array,
    fake_logits: Array,
    *,
    fake_target: float = 0.0,
    real_target: float = 1.0,
    generator_target: float = 1.0,
) -> Terms:
    """Squared distances of raw outputs to a, b and c, whose slope grows with the distance.

    Discriminator: 1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]; generator:
    1/2 E[(D(G(z)) - c)^2].

    Args:
      real_logits: [B], D(x) of real examples, not squashed.
      fake_logits: [B], D(G(z)) of generated examples, not squashed.
      fake_target: a.
      real_target: b.
      generator_target: c.

    Returns:
      Terms, 0 or more.

    Paper: Mao et al. 2017, arXiv:1611.04076
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    return {
        "discriminator": {
            "real": 0.5 * jnp.square(real_logits - real_target),
            "fake": 0.5 * jnp.square(fake_logits - fake_target),
        },
        "generator": {"fake": 0.5 * jnp.square(fake_logits - generator_target)},
    }


@objectives.register
def hinge(real_logits: Array, fake_logits: Array) -> Terms:
    """The discriminator stops where its margin is 1.

    Discriminator: E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]; generator: -E[D(G(z))].

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.

    Returns:
      Terms without a unit.

    Paper: Lim & Ye 2017, arXiv:1705.02894
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    return {
        "discriminator": {
            "real": jax.nn.relu(1 - real_logits),
            "fake": jax.nn.relu(1 + fake_logits),
        },
        "generator": {"fake": -fake_logits},
    }


@objectives.register
def wasserstein(real_logits: Array, fake_logits: Array) -> Terms:
    """The difference of a critic's means, a distance of earth where its slope is at most 1.

    Discriminator: E[D(G(z))] - E[D(x)]; generator: -E[D(G(z))]. What bounds the slope, a penalty or
    clipping, comes on top.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.

    Returns:
      Terms in the unit of the critic.

    Paper: Arjovsky et al. 2017, arXiv:1701.07875
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    return {
        "discriminator": {"real": -real_logits, "fake": fake_logits},
        "generator": {"fake": -fake_logits},
    }


wasserstein.needs_bounded_slope = True


def _cross_entropy(
    real_logits: Array, fake_logits: Array, real_label: Fraction
) -> dict[str, Array]:
    """Binary cross-entropy with target `real_label` on real examples and 0 on fakes."""
    return {
        "real": coin_cross_entropy(real_logits, real_label),
        "fake": jax.nn.softplus(fake_logits),
    }
