"""Adversarial objectives of a discriminator that is an autoencoder."""

import chex
import jax
import jax.numpy as jnp

from genlab.game import parallel
from genlab.numbers import Fraction, NonNegative, Positive
from genlab.objectives.adversarial import Terms
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def began(
    real_logits: Array,
    fake_logits: Array,
    memory: dict[str, Array],
    *,
    balance: Fraction = 0.5,
    rate: Positive = 1e-3,
) -> tuple[Terms, dict[str, Array]]:
    """The autoencoder restores real examples and fails on fakes, as much as a balance allows: BEGAN.

    With L = -D the error of reconstruction: discriminator: E[L(x)] - k E[L(G(z))]; generator:
    E[L(G(z))]; after each move of the discriminator k <- k + r (b E[L(x)] - E[L(G(z))]), kept in
    [0, 1], so that in balance E[L(G(z))] = b E[L(x)]. A low b asks for fidelity, a high one for variety.

    Args:
      real_logits: [B], minus the error of reconstruction of real examples, as the model
        `autoencoder_discriminator` gives it.
      fake_logits: [B], the same of generated examples.
      memory: `k: []`, which starts at 0.
      balance: b, the paper's gamma.
      rate: r, the paper's lambda.

    Returns:
      Terms in the unit of the error, and the memory afterwards.

    Paper: Berthelot et al. 2017, arXiv:1703.10717
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    terms = {
        "discriminator": {"real": -real_logits, "fake": memory["k"] * fake_logits},
        "generator": {"fake": -fake_logits},
    }
    gap = parallel.mean_over_devices(jnp.mean(fake_logits - balance * real_logits))
    return terms, {"k": jnp.clip(memory["k"] + rate * gap, 0.0, 1.0)}


@objectives.register
def energy_based(
    real_logits: Array, fake_logits: Array, *, margin: NonNegative = 1.0
) -> Terms:
    """The autoencoder restores real examples, and fails on fakes up to a margin: EBGAN.

    With L = -D the error of reconstruction: discriminator: E[L(x)] + E[max(0, m - L(G(z)))]; generator:
    E[L(G(z))].

    Args:
      real_logits: [B], minus the error of reconstruction of real examples.
      fake_logits: [B], the same of generated examples.
      margin: m.

    Returns:
      Terms in the unit of the error.

    Paper: Zhao et al. 2017, arXiv:1609.03126
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    return {
        "discriminator": {
            "real": -real_logits,
            "fake": jax.nn.relu(margin + fake_logits),
        },
        "generator": {"fake": -fake_logits},
    }


began.memory = {"k": 0.0}
began.needs_autoencoder = energy_based.needs_autoencoder = True
