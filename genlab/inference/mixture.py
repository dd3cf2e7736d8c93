"""Mixtures of Gaussians: the statistics that EM is of, and where it begins."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import parallel, rng
from genlab.game.gaussian import Gaussian, Mixture
from genlab.inference.expectation import share

Array = jax.Array

COVARIANCES = ("full", "diagonal", "spherical")
SMALLEST = float(jnp.finfo(jnp.float32).tiny)
NOTHING = (
    1e-5  # of all mass: what rounding leaves of a step that takes a statistic to 0
)


class Statistics(NamedTuple):
    """Means over examples of r_k(x) = p(k|x), and of x and of its square under it.

    Attributes:
      mass: [K], E r_k.
      first: [K, D], E r_k x.
      second: E r_k x x^T, [K, D, D]; of x^2 alone, [K, D], or of |x|^2 / D, [K].
    """

    mass: Array
    first: Array
    second: Array


def mixture_of(statistics: Statistics, floor: Array | float) -> Mixture:
    """The mixture with these statistics, up to a factor of all of them: the M step.

    Args:
      statistics: of components that saw nothing, 0 but for rounding; they are standard normal and never drawn.
      floor: added to every variance.

    Paper: Bishop 2006, Pattern Recognition and Machine Learning, 9.24 to 9.26
    """
    mass, first, second = statistics
    mass = jnp.where(mass > NOTHING * jnp.sum(mass), mass, 0.0)
    means = share(first, mass[:, None])
    log_weights = jnp.log(jnp.maximum(share(mass, jnp.sum(mass)), SMALLEST))
    more = floor + jnp.where(mass > 0, 0.0, 1.0)
    spread = share(second, mass.reshape(-1, *[1] * (second.ndim - 1)))
    if second.ndim == 3:
        largest = jnp.max(jnp.diagonal(spread, axis1=1, axis2=2), axis=1)
        spread -= means[:, :, None] * means[:, None, :]
        added = more[:, None, None] * jnp.eye(means.shape[1])[None]
        cholesky = _cholesky(spread + added, largest)
        scales = jnp.diagonal(cholesky, axis1=1, axis2=2)
        parts = Gaussian(means, 2 * jnp.log(scales), cholesky / scales[:, None])
        return Mixture(log_weights, parts)
    if second.ndim == 1:
        spread -= jnp.mean(jnp.square(means), axis=1)
        spread = jnp.broadcast_to(spread[:, None], means.shape)
    else:
        spread -= jnp.square(means)
    variance = jnp.maximum(spread, 0.0) + more[:, None]
    return Mixture(log_weights, Gaussian(means, jnp.log(variance)))


def _cholesky(covariance: Array, largest: Array) -> Array:
    """The factors of covariances, [K, D, D]; of one that rounding has made indefinite, since means are far larger
    than deviations, with as much more variance as rounding takes away, or at worst of its diagonal alone.

    Args:
      covariance: [K, D, D].
      largest: [K], the largest mean square from which each was made.
    """
    found = jnp.linalg.cholesky(covariance)
    size = covariance.shape[1]

    def mended() -> Array:
        lost = 4 * size * jnp.finfo(covariance.dtype).eps * jnp.abs(largest)[:, None]
        lost = jnp.maximum(lost, SMALLEST)
        eye = jnp.eye(size)[None]
        second = jnp.linalg.cholesky(covariance + lost[:, :, None] * eye)
        variances = jnp.diagonal(covariance, axis1=1, axis2=2)
        diagonal = jnp.sqrt(jnp.maximum(variances, lost))[:, :, None] * eye
        second = jnp.where(_are_sound(second), second, diagonal)
        return jnp.where(_are_sound(found), found, second)

    return jax.lax.cond(jnp.all(_are_sound(found)), lambda: found, mended)


def _are_sound(factors: Array) -> Array:
    return jnp.all(jnp.isfinite(factors), axis=(1, 2), keepdims=True)


def expected(posterior: Array, x: Array, like: Statistics) -> Statistics:
    """The statistics of a batch.

    Args:
      posterior: [B, K], p(k|x).
      x: [B, D].
      like: statistics of the same kind, of any number of components.
    """
    count = x.shape[0]
    mass, first = jnp.mean(posterior, axis=0), posterior.T @ x / count
    if like.second.ndim == 3:
        weighed = posterior[:, :, None] * x[:, None, :]
        second = jnp.einsum("bki,bj->kij", weighed, x) / count
    elif like.second.ndim == 2:
        second = posterior.T @ jnp.square(x) / count
    else:
        second = jnp.mean(jnp.square(x), axis=1) @ posterior / count
    return Statistics(mass, first, second)


def blank_statistics(components: int, size: int, covariance: str) -> Statistics:
    """Statistics that have seen nothing, all 0.

    Raises:
      InputError: an unknown kind of covariance.
    """
    shapes = {
        "full": (components, size, size),
        "diagonal": (components, size),
        "spherical": (components,),
    }
    if covariance not in shapes:
        raise InputError(
            f"gaussian_mixture.covariance={covariance!r} is unknown"
            f"{suggest(covariance, COVARIANCES)}"
        )
    second = jnp.zeros(shapes[covariance])
    return Statistics(jnp.zeros(components), jnp.zeros((components, size)), second)


def seeded(x: Array, key: Array, like: Statistics, floor: Array | float) -> Mixture:
    """A mixture around examples that lie far apart, with one spread for all of its components.

    Examples are chosen by k-means++ and every other one counted to the nearest; the spread is that of
    all examples about theirs.

    Args:
      x: [B, D], of the batch over all devices.
      key: the same on all devices.
      like: statistics of the kind that the mixture will have.
      floor: added to every variance.

    Paper: Arthur & Vassilvitskii 2007, SODA
    """
    centres = far_apart(x, key, like.mass.shape[0])
    nearest = jnp.argmin(_squared_distances(x, centres), axis=1)
    held = jax.nn.one_hot(nearest, centres.shape[0])
    found = expected(held, x, like)
    means = share(found.first, found.mass[:, None])
    gaps = expected(jnp.ones_like(x[:, :1]), x - held @ means, like)
    copied = lambda leaf: jnp.broadcast_to(leaf, (len(means), *leaf.shape[1:]))
    parts = jax.tree.map(copied, mixture_of(gaps, floor).parts)
    log_weights = jnp.log(jnp.maximum(found.mass, SMALLEST))
    return Mixture(log_weights, parts.replace(mean=means))


def far_apart(x: Array, key: Array, count: int) -> Array:
    """`count` of the examples `x: [B, D]`, each drawn in proportion to the squared distance from those
    before it: [count, D]."""
    start = jax.random.randint(rng.fold(key, "first"), (), 0, x.shape[0])

    def add(index: Array, held: tuple[Array, Array]) -> tuple[Array, Array]:
        centres, nearest = held
        one = rng.fold(key, index)
        chosen = x[jax.random.categorical(one, jnp.log(nearest))]
        nearest = jnp.minimum(nearest, _squared_distances(x, chosen[None])[:, 0])
        return centres.at[index].set(chosen), nearest

    centres = jnp.zeros((count, x.shape[1]), x.dtype).at[0].set(x[start])
    nearest = _squared_distances(x, x[start][None])[:, 0]
    return jax.lax.fori_loop(1, count, add, (centres, nearest))[0]


def _squared_distances(x: Array, centres: Array) -> Array:
    """[B, K] of `x: [B, D]`, `centres: [K, D]`."""
    one = lambda centre: jnp.sum(jnp.square(x - centre[None]), axis=1)
    return jax.vmap(one, out_axes=1)(centres)


def over_devices(x: Array) -> Array:
    """The batch over all devices, as `seeded` takes it."""
    return jax.lax.stop_gradient(parallel.gather_batch(x))
