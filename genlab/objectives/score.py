"""Score matching: energies whose slope is that of the data's density, without a partition function.

The score of a density exp(-E(x)) / Z is s(x) = -grad E(x). An objective is given E itself as a function.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genlab.boltzmann.langevin import slope
from genlab.game import rng
from genlab.numbers import Positive
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def denoising_score_matching(
    energy: Callable[[Array], Array], x: Array, key: Array, *, std: Positive = 0.1
) -> Array:
    """1/2 |std s(x + std n) + n|^2, n ~ N(0, I): least for the score of the data smoothed by that noise.

    It is std^2 times the distance of the score from (x - x') / std^2 at x' = x + std n, by which x' + std^2
    s(x') is what a denoising autoencoder makes of x'.

    Args:
      energy: callable, examples [B, ...] to energies [B], nats.
      x: [B, D]; any rank of two or more.
      key: of the noise.
      std: of the noise, in the unit of x.

    Returns:
      [B].

    Paper: Vincent 2011, Neural Comput. 23:1661-1674
    """
    noise = rng.normal(key, x.shape)
    score = -slope(energy, x + std * noise)
    return 0.5 * _squares(std * score + noise)


@objectives.register
def sliced_score_matching(
    energy: Callable[[Array], Array], x: Array, key: Array
) -> dict[str, Array]:
    """v^T (ds/dx) v + 1/2 |s(x)|^2, v of random signs: in expectation tr(ds/dx) + 1/2 |s(x)|^2.

    Up to a constant that is half the expected squared distance of s from the data's score.

    Args:
      energy: callable, examples [B, ...] to energies [B], nats.
      x: [B, D]; any rank of two or more.
      key: of the signs.

    Returns:
      The terms `curvature` and `score`, [B] each.

    Papers: Song et al. 2019, arXiv:1905.07088, its variant with reduced variance; Hyvarinen 2005, JMLR 6:695-709
    """
    signs = 2.0 * rng.bernoulli(key, 0.5, x.shape) - 1.0
    uphill, along = jax.jvp(lambda x: slope(energy, x), (x,), (signs,))
    curvature = -jnp.sum(signs * along, axis=tuple(range(1, x.ndim)))
    return {"curvature": curvature, "score": 0.5 * _squares(uphill)}


def _squares(x: Array) -> Array:
    return jnp.sum(jnp.square(x), axis=tuple(range(1, x.ndim)))
