"""What a network predicts on a path x_t = alpha x + sigma epsilon: a combination p x + q epsilon.

A target is a function of alpha, sigma and their rates, [...] each, that gives p and q. From a prediction and
x_t follow both the example and the noise, see `both`.
"""

import jax
import jax.numpy as jnp

from genlab.numbers import Positive
from genlab.registry import targets

Array = jax.Array


@targets.register
def noise(alpha: Array, sigma: Array, alpha_rate: Array, sigma_rate: Array) -> tuple:
    """epsilon; not where alpha(1) is 0, since x_1 then says nothing of the example.

    Paper: Ho, Jain & Abbeel 2020, arXiv:2006.11239
    """
    return jnp.zeros_like(alpha), jnp.ones_like(alpha)


noise.needs_signal = True


@targets.register
def data(alpha: Array, sigma: Array, alpha_rate: Array, sigma_rate: Array) -> tuple:
    """The example x; not of a consistency model, which nothing then holds to the example at t = 0."""
    return jnp.ones_like(alpha), jnp.zeros_like(alpha)


data.forgets_noise = True


@targets.register
def v(alpha: Array, sigma: Array, alpha_rate: Array, sigma_rate: Array) -> tuple:
    """alpha epsilon - sigma x.

    Paper: Salimans & Ho 2022, arXiv:2202.00512
    """
    return -sigma, alpha


@targets.register
def velocity(alpha: Array, sigma: Array, alpha_rate: Array, sigma_rate: Array) -> tuple:
    """alpha' x + sigma' epsilon, how fast x_t moves; epsilon - x on the path `straight`.

    Paper: Lipman et al. 2023, arXiv:2210.02747
    """
    return alpha_rate, sigma_rate


@targets.register
def preconditioned(
    alpha: Array,
    sigma: Array,
    alpha_rate: Array,
    sigma_rate: Array,
    *,
    data_std: Positive = 0.5,
) -> tuple:
    """(x - c_skip x_t) / c_out, of variance 1 at every level of noise: EDM's, on `variance_exploding`.

    c_skip = s^2 / (sigma^2 + s^2) and c_out = sigma s / sqrt(sigma^2 + s^2).

    Args:
      alpha: [...], 1.
      sigma: [...].
      alpha_rate: [...].
      sigma_rate: [...].
      data_std: s, the standard deviation of the data.

    Paper: Karras et al. 2022, arXiv:2206.00364
    """
    variance = jnp.square(sigma) + data_std**2
    skip = data_std**2 / variance
    out = sigma * data_std / jnp.sqrt(variance)
    return (1 - skip * alpha) / out, -skip * sigma / out


def both(
    prediction: Array, x_t: Array, weights: tuple[Array, Array], levels: tuple
) -> tuple[Array, Array]:
    """The example and the noise that a prediction stands for.

    F = p x + q e and x_t = alpha x + sigma e give x = (sigma F - q x_t) / d and e = (p x_t - alpha F) / d,
    d = p sigma - q alpha.

    Args:
      prediction: [B, ...], F.
      x_t: [B, ...].
      weights: p and q, of shapes that go with x_t.
      levels: alpha and sigma, of the same.
    """
    (p, q), (alpha, sigma) = weights, levels
    d = p * sigma - q * alpha
    return (sigma * prediction - q * x_t) / d, (p * x_t - alpha * prediction) / d
