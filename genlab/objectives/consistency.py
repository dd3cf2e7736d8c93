"""Distances of two images, weighted means over their values, per example."""

import chex
import jax
import jax.numpy as jnp

from genlab.numbers import NonNegative, Positive
from genlab.objectives.likelihood import coin_cross_entropy
from genlab.registry import objectives

Array = jax.Array


@objectives.register
def l1(outputs: Array, targets: Array, *, weight: NonNegative = 1.0) -> Array:
    """Weighted mean absolute difference, w mean |o - t|.

    Args:
      outputs: [B, H, W, C], o; any rank of two or more.
      targets: [B, H, W, C], t, the same shape.
      weight: w, 0 or more; lambda of pix2pix and CycleGAN.

    Returns:
      [B], in the unit of the images.

    Paper: Isola et al. 2017, arXiv:1611.07004
    """
    return weight * _mean(jnp.abs(_difference(outputs, targets)))


@objectives.register
def l2(outputs: Array, targets: Array, *, weight: NonNegative = 1.0) -> Array:
    """Weighted mean squared difference, w mean (o - t)^2.

    Args:
      outputs: [B, H, W, C], o; any rank of two or more.
      targets: [B, H, W, C], t, the same shape.
      weight: w, 0 or more.

    Returns:
      [B], in the squared unit of the images.
    """
    return weight * _mean(jnp.square(_difference(outputs, targets)))


@objectives.register
def charbonnier(
    outputs: Array,
    targets: Array,
    *,
    weight: NonNegative = 1.0,
    epsilon: Positive = 1e-3,
) -> Array:
    """L1 with a rounded corner, w mean sqrt((o - t)^2 + e^2).

    Args:
      outputs: [B, H, W, C], o; any rank of two or more.
      targets: [B, H, W, C], t, the same shape.
      weight: w, 0 or more.
      epsilon: e > 0, the size of differences below which the loss is quadratic.

    Returns:
      [B], in the unit of the images.

    Paper: Lai et al. 2017, arXiv:1704.03915
    """
    squared = jnp.square(_difference(outputs, targets))
    return weight * _mean(jnp.sqrt(squared + jnp.square(epsilon)))


@objectives.register
def channel_cross_entropy(
    outputs: Array, targets: Array, *, weight: NonNegative = 1.0
) -> Array:
    """Weighted mean Bernoulli cross-entropy of images in [-1, 1], whose channels are chances.

    w mean of -p log q - (1 - p) log(1 - q) with p = (1 + t) / 2 and q = (1 + o) / 2. Of the output of a
    tanh, whose q is a sigmoid of twice what it is of, the slope there is 2 (q - p): a channel that is
    saturated at the wrong end has the largest, where `l1` and `l2` have none, and a network that has to
    choose among bright colours is not held by its first choice. In float32 that holds where the tanh is
    not 1 exactly, which it is from 8 on; towards -8 it loses digits, since JAX's slope of a tanh there is 1e-7
    beside the true one.

    Args:
      outputs: [B, H, W, C] in [-1, 1], o, of a tanh; any rank of two or more.
      targets: [B, H, W, C] in [-1, 1], t, the same shape.
      weight: w, 0 or more.

    Returns:
      [B], nats a value.
    """
    chex.assert_equal_shape([outputs, targets])
    end = 1 - jnp.finfo(jnp.float32).eps
    logits = 2 * jnp.arctanh(jnp.clip(outputs, -end, end))
    return weight * _mean(coin_cross_entropy(logits, (1 + targets) / 2))


def _difference(outputs: Array, targets: Array) -> Array:
    chex.assert_equal_shape([outputs, targets])
    return outputs - targets


def _mean(values: Array) -> Array:
    return jnp.mean(values, axis=tuple(range(1, values.ndim)))
