"""How much any approximate posterior uses its latents, layer by layer, by draws of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from genlab.game import rng
from genlab.game.turn import Draw
from genlab.metrics.measurement import Measurement
from genlab.numbers import Count, NonNegative
from genlab.registry import metrics
from genlab.trained.encoding import CHUNK
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

Array = jax.Array


@metrics.register
@needs("draw_latents")
def latent_use(
    trained: Trained,
    split: str,
    *,
    num: Count = 2000,
    draws: Count = 100,
    active: NonNegative = 0.01,
) -> Measurement:
    """KL(q(z|x) || p(z)) and active units of each layer, by draws from q(z|x).

    It serves posteriors that are no Gaussian and latents that are a chain of layers; `posterior` says
    more of a Gaussian of one layer. A unit is active where Var_x E_q[z] is above a bound; that variance is
    estimated without bias as the covariance of the means of two halves of the draws.

    Args:
      trained: the model.
      split: of the examples.
      num: examples, evenly spread over the split.
      draws: of each half.
      active: variance that an active unit has at least.

    Returns:
      `kl`, in nats, the mean of log q(z|x) - log p(z); `active_units`, of all layers, and where there are
      several those of each, `active_units_1` next to x.

    Raises:
      InputError: a family without an approximate posterior, or counts below 1.

    Paper: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, appendix C
    """
    summarize = functools.partial(_summary, draws=draws)
    compiled = trained.compile(f"latent use of {draws}", summarize)
    parts = []
    for index, batch in enumerate(trained.examples_in_chunks(split, num, CHUNK)):
        root = rng.stream(trained.seed, f"latent_use/{split}", index)
        draw = Draw(batch, root, np.int32(trained.step))
        parts.append(jax.device_get(compiled(trained.params, trained.extra, draw)))
    ratios, *layers = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    units = [int(np.sum(_covariance(*layer) > active)) for layer in layers]
    values = {"kl": float(ratios.mean()), "active_units": float(sum(units))}
    if len(units) > 1:
        values |= {f"active_units_{i}": float(n) for i, n in enumerate(units, 1)}
    protocol = {
        "split": split,
        "examples": len(ratios),
        "draws": 2 * draws,
        "active_above": active,
    }
    return Measurement(values, protocol)


def _summary(experiment, params, extra, draw: Draw, *, draws: int):
    """log q - log p of each example, [B], and of each layer the means of two halves of its draws."""
    latents, ratio = experiment.draw_latents(params, extra, draw, 2 * draws)
    halves = [
        (jnp.mean(layer[:, :draws], axis=1), jnp.mean(layer[:, draws:], axis=1))
        for layer in latents
    ]
    return jnp.mean(ratio, axis=1), *halves


def _covariance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of two arrays [N, Z] over the examples: [Z]."""
    gaps = [half.astype(np.float64) - half.mean(axis=0) for half in (one, other)]
    return np.mean(gaps[0] * gaps[1], axis=0)
