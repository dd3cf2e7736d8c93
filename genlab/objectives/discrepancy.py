"""Maximum mean discrepancy of codes from their prior, across the whole batch on any number of devices."""

import math
from collections.abc import Sequence
from typing import Annotated

import chex
import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import InputError, suggest
from genlab.game import parallel, rng
from genlab.numbers import NonNegative, Positive, Range
from genlab.registry import objectives

Array = jax.Array

# Of u = ||a - b||^2 / (2 Z s^2), which is about 1 for two draws of a standard normal and s = 1.
KERNELS = {
    "gaussian": lambda u: jnp.exp(-u),
    "inverse_multiquadratic": lambda u: 1 / (1 + u),
}


def squared_discrepancy(
    z: Array,
    prior: Array,
    *,
    kernel: str = "inverse_multiquadratic",
    scales: Sequence[Positive] = (1.0,),
) -> Array:
    """MMD^2 of two samples, E k(z, z') + E k(p, p') - 2 E k(z, p): [], below 0 at times.

    The first two means are over pairs of different codes, so that it is unbiased. With
    u = ||a - b||^2 / (2 Z s^2), the kernel is a sum over the scales s of exp(-u), `gaussian`, or of
    1 / (1 + u), `inverse_multiquadratic`: C / (C + ||a - b||^2) with C = 2 Z s^2, the choice of
    WAE for a prior of unit variance.

    Args:
      z: [B, Z], codes, this device's share.
      prior: [B, Z], as many draws of the prior.
      kernel: `gaussian` or `inverse_multiquadratic`.
      scales: s, each above 0.

    Raises:
      InputError: an unknown kernel, no scale, or a batch of fewer than two codes.

    Papers: Gretton et al. 2012, JMLR 13:723-773, equation 3; Tolstikhin et al. 2018, arXiv:1711.01558
    """
    chex.assert_equal_shape([z, prior])
    chex.assert_rank(z, 2)
    if kernel not in KERNELS:
        raise InputError(f"unknown kernel {kernel!r}{suggest(kernel, KERNELS)}")
    if not scales:
        raise InputError(
            "scales=() is no kernel; name one or more, as in scales=(1.0,)"
        )
    z, prior = parallel.gather_batch(z), parallel.gather_batch(prior)
    count = z.shape[0]
    parallel.need_several(count, "a discrepancy")
    others = 1 - np.eye(count, dtype=np.float32)
    among = sum(
        jnp.sum(others * _kernel(one, one, kernel, scales)) for one in (z, prior)
    )
    between = jnp.mean(_kernel(z, prior, kernel, scales))
    return among / (count * (count - 1)) - 2 * between


@objectives.register
def mmd(
    z: Array,
    key: Array,
    *,
    weight: NonNegative = 10.0,
    kernel: str = "inverse_multiquadratic",
    scales: Sequence[Positive] = (1.0,),
) -> Array:
    """w MMD^2 of codes, of a posterior or deterministic, from N(0, I): see `squared_discrepancy`.

    Args:
      z: [B, Z], codes.
      key: of as many draws of the prior.
      weight: w, 0 or more.
      kernel: `gaussian` or `inverse_multiquadratic`.
      scales: of the kernel, lengths, each above 0, by whose square C = 2 Z is multiplied; the authors' code of
        WAE multiplies it by 0.1, 0.2, 0.5, 1, 2, 5 and 10, which are the scales (0.316, 0.447, 0.707, 1.0, 1.414,
        2.236, 3.162).

    Returns:
      [], of the whole batch, without a unit.

    Raises:
      InputError: as `squared_discrepancy`.

    Paper: Tolstikhin et al. 2018, arXiv:1711.01558
    """
    prior = rng.normal(key, z.shape, z.dtype)
    return weight * squared_discrepancy(z, prior, kernel=kernel, scales=scales)


mmd.needs_standard_prior = True


@objectives.register
def info_vae(
    reconstruction: Array,
    kl: Array,
    z: Array,
    key: Array,
    *,
    alpha: Annotated[float, Range(-math.inf, 1)] = 1.0,
    weight: NonNegative = 1000.0,
    kernel: str = "gaussian",
    scales: Sequence[Positive] = (1.0,),
) -> dict[str, Array]:
    """InfoVAE with the maximum mean discrepancy as its divergence of q(z) from p(z).

    E_q[-log p(x|z)] + (1 - alpha) KL(q(z|x) || p(z)) + (alpha + w - 1) MMD^2(q(z), p(z)); with
    alpha = 1, MMD-VAE, nothing keeps z from telling all of x; alpha = 0 and w = 1 is the ELBO.

    Args:
      reconstruction: [B], -log p(x|z).
      kl: [B], KL(q(z|x) || p(z)).
      z: [B, Z], a draw of q(z|x) for each example.
      key: of as many draws of p(z) = N(0, I).
      alpha: how much of the mutual information is spared, at most 1; below 0 it is paid for.
      weight: w, the paper's lambda.
      kernel: `gaussian` or `inverse_multiquadratic`.
      scales: of the kernel, each above 0.

    Returns:
      The terms `reconstruction` and `kl`, [B] nats, and `discrepancy`, [].

    Raises:
      InputError: as `squared_discrepancy`.

    Paper: Zhao, Song & Ermon 2019, arXiv:1706.02262, equation 6
    """
    prior = rng.normal(key, z.shape, z.dtype)
    found = squared_discrepancy(z, prior, kernel=kernel, scales=scales)
    return {
        "reconstruction": reconstruction,
        "kl": (1 - alpha) * kl,
        "discrepancy": (alpha + weight - 1) * found,
    }


info_vae.needs_standard_prior = True


def _kernel(a: Array, b: Array, kernel: str, scales: Sequence[Positive]) -> Array:
    """The sum over scales of the kernel of every pair, [N, M] of `a: [N, Z]` and `b: [M, Z]`."""
    apart = jnp.sum(jnp.square(a[:, None] - b[None]), axis=-1) / (2 * a.shape[1])
    return sum(KERNELS[kernel](apart / jnp.square(scale)) for scale in scales)
