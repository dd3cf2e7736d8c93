"""What the network of a diffusion minimises; weights of the levels of noise."""

import chex
import jax
import jax.numpy as jnp

from genlab.numbers import Positive
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def prediction_error(prediction: Array, target: Array) -> Array:
    """Mean squared difference of the prediction from its target: the simple loss of DDPM, the loss of flow
    matching and, of the target `preconditioned`, that of EDM.

    Args:
      prediction: [B, D]; any rank of two or more.
      target: [B, D], the same shape.

    Returns:
      [B].

    Papers: Ho, Jain & Abbeel 2020, arXiv:2006.11239; Lipman et al. 2023, arXiv:2210.02747; Karras et al. 2022,
      arXiv:2206.00364
    """
    chex.assert_equal_shape([prediction, target])
    return _mean_square(prediction - target)


@objectives.register
def min_snr(
    x: Array, denoised: Array, log_snr: Array, *, gamma: Positive = 5.0
) -> Array:
    """min(SNR, gamma) times the mean squared difference of the denoised example from the example.

    With the target `noise` that is min(1, gamma / SNR) times its error; gamma limits how much levels of
    little noise count.

    Args:
      x: [B, D], the example; any rank of two or more.
      denoised: [B, D], what the prediction makes of it.
      log_snr: [B] in [-20, 20], ln(alpha^2 / sigma^2).
      gamma: the limit.

    Returns:
      [B].

    Paper: Hang et al. 2023, arXiv:2303.09556
    """
    chex.assert_equal_shape([x, denoised])
    weight = jnp.exp(jnp.minimum(log_snr, jnp.log(gamma)))
    return weight * _mean_square(x - denoised)


@objectives.register
def pseudo_huber(
    prediction: Array, target: Array, width: Array, *, c: Positive = 0.01
) -> Array:
    """(sqrt(|prediction - target|^2 + c^2) - c) / width: squared for small differences, straight for large ones.

    Of a consistency model, whose prediction and target differ by less, the closer their times are.

    Args:
      prediction: [B, D]; any rank of two or more.
      target: [B, D], the same shape.
      width: [B] in [1e-5, 1], what of the time lies between both.
      c: where the one turns into the other; 0.00054 sqrt(D) in the paper.

    Returns:
      [B].

    Paper: Song & Dhariwal 2023, arXiv:2310.14189
    """
    chex.assert_equal_shape([prediction, target])
    gap = (prediction - target) / c
    squares = jnp.sum(jnp.square(gap), axis=tuple(range(1, gap.ndim)))
    # As (sqrt(1 + s) - 1), which keeps the digits of a small s.
    return c * squares / (1 + jnp.sqrt(1 + squares)) / width


def _mean_square(gap: Array) -> Array:
    return jnp.mean(jnp.square(gap), axis=tuple(range(1, gap.ndim)))
