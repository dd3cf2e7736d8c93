"""Directions in which the data go on around an example: the encoder's, and the neighbours'."""

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


def tangents(jacobians: Array, *, num: int) -> Array:
    """Leading right singular vectors of encoders' Jacobians: where the code answers most.

    An encoder that contracts wherever it can stays sensitive along the data's manifold alone; its
    leading input-space directions then span the manifold's tangent plane. The sign of a direction
    is free; here its largest entry is positive, so that pictures agree between machines.

    Args:
      jacobians: [B, K, D].
      num: directions; no more than min(K, D) are given.

    Returns:
      [B, min(num, K, D), D], of length 1 and orthogonal, the most sensitive first.

    Paper: Rifai et al. 2011, The Manifold Tangent Classifier, NIPS
    """
    _, _, directions = jnp.linalg.svd(jacobians, full_matrices=False)
    return _signed(directions[:, :num], jnp)


def local_pca(neighbours: np.ndarray, *, num: int) -> np.ndarray:
    """Principal directions of each neighbourhood about its mean, in float64.

    The sign of a direction is free; here its largest entry is positive.

    Args:
      neighbours: [B, N, ...], N examples near each of B; an example has D numbers.
      num: directions; no more than min(N, D) are given.

    Returns:
      [B, min(num, N, D), D] float64, of length 1 and orthogonal, the widest first.
    """
    flat = neighbours.reshape(*neighbours.shape[:2], -1).astype(np.float64)
    centred = flat - flat.mean(axis=1, keepdims=True)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return _signed(directions[:, :num], np)


def _signed(directions, numpy):
    """`directions: [B, R, D]`, each turned so that its largest entry is positive."""
    at = numpy.argmax(numpy.abs(directions), axis=-1)[..., None]
    return directions * numpy.sign(numpy.take_along_axis(directions, at, axis=-1))
