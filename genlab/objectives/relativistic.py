"""Adversarial objectives in which an example is judged against those of the other side.

As in `adversarial`, each returns the terms of both players, and sp is the softplus. The discriminator
minimises f(d) where a real example should win by a margin d, and g(d) where a fake should lose by -d:

| base | f(d) | g(d) |
|---|---|---|
| standard | sp(-d) | sp(d) |
| least_squares | 1/2 (d - 1)^2 | 1/2 (d + 1)^2 |
| hinge | max(0, 1 - d) | max(0, 1 + d) |
"""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import parallel
from genlab.objectives.adversarial import Terms
from genlab.registry import objectives

Array = jax.Array

_WINS: dict[str, Callable[[Array], Array]] = {
    "standard": lambda margin: jax.nn.softplus(-margin),
    "least_squares": lambda margin: 0.5 * jnp.square(margin - 1),
    "hinge": lambda margin: jax.nn.relu(1 - margin),
}


@objectives.register
def relativistic(
    real_logits: Array, fake_logits: Array, *, base: str = "standard"
) -> Terms:
    """Each real example against the fake beside it: RSGAN, the pairing of R3GAN.

    Discriminator: E[f(D(x) - D(G(z)))]; generator: E[f(D(G(z)) - D(x))]. A generator cannot win by
    pushing all its examples to one side of a boundary, which is where mode dropping begins. R3GAN is
    this with base `standard` and both penalties, `r1` and `r2`.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.
      base: of f, in the table of this module.

    Returns:
      Terms, 0 or more; nats where the base is `standard`.

    Raises:
      InputError: an unknown base.

    Papers: Jolicoeur-Martineau 2018, arXiv:1807.00734; R3GAN: Huang et al. 2024, arXiv:2501.05441
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    wins, margin = _of_base(base), real_logits - fake_logits
    return {
        "discriminator": {"pair": wins(margin)},
        "generator": {"pair": wins(-margin)},
    }


@objectives.register
def relativistic_average(
    real_logits: Array, fake_logits: Array, *, base: str = "standard"
) -> Terms:
    """Each example against the mean of the other side: RaSGAN, RaLSGAN, RaHingeGAN.

    Discriminator: E[f(D(x) - E D(G(z)))] + E[g(D(G(z)) - E D(x))]; generator: the same with the sides
    exchanged, E[f(D(G(z)) - E D(x))] + E[g(D(x) - E D(G(z)))]. The means are over the whole batch.

    Args:
      real_logits: [B], D(x) of real examples.
      fake_logits: [B], D(G(z)) of generated examples.
      base: of f and g, in the table of this module; each g(d) there is f(-d).

    Returns:
      Terms, 0 or more; nats where the base is `standard`.

    Raises:
      InputError: an unknown base.

    Paper: Jolicoeur-Martineau 2018, arXiv:1807.00734
    """
    chex.assert_rank([real_logits, fake_logits], 1)
    wins = _of_base(base)
    mean = lambda logits: parallel.mean_over_devices(jnp.mean(logits))
    real, fake = real_logits - mean(fake_logits), fake_logits - mean(real_logits)
    return {
        "discriminator": {"real": wins(real), "fake": wins(-fake)},
        "generator": {"real": wins(-real), "fake": wins(fake)},
    }


def _of_base(base: str) -> Callable[[Array], Array]:
    if base not in _WINS:
        raise InputError(f"base {base!r} is unknown{suggest(base, _WINS)}")
    return _WINS[base]
