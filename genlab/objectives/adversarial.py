"""What discriminator and generator minimise, from the logits of real and generated examples.

Each function returns the terms of both players, `{"discriminator": {term: [B]}, "generator":
{term: [B]}}`; a player minimises the sum of the means of its own. sp is the softplus,
sp(x) = log(1 + exp(x)), so that sp(-l) = -log sigmoid(l) and sp(l) = -log(1 - sigmoid(l)).
"""

import chex
import jax

from genlab.registry import objectives

Array = jax.Array
Terms = dict[str, dict[str, Array]]


@objectives.register
def minimax(
    real_logits: Array, fake_logits: Array, *, real_label: float = 1.0
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
    real_logits: Array, fake_logits: Array, *, real_label: float = 1.0
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


def _cross_entropy(
    real_logits: Array, fake_logits: Array, real_label: float
) -> dict[str, Array]:
    """Binary cross-entropy with target `real_label` on real examples and 0 on fakes."""
    return {
        # -t log sigmoid(l) - (1 - t) log(1 - sigmoid(l)) = sp(l) - t l
        "real": jax.nn.softplus(real_logits) - real_label * real_logits,
        "fake": jax.nn.softplus(fake_logits),
    }
