"""What an encoder minimises that sees each example in two views, without labels or with them.

A family of two views offers, [B, D] each, the projections z and z' of both (`first`, `second`), what a
predictor makes of them (`first_prediction`, ...) and the targets of these, which no gradient reaches
(`first_target`, ...). A loss is a function of those that it names; what looks across the batch
goes over all devices.
"""

import chex
import jax
import jax.numpy as jnp

from genlab.game import parallel
from genlab.numbers import NonNegative, Positive
from genlab.registry import objectives

Array = jax.Array

_SMALL = 1e-6  # of a norm
_BARLOW, _VICREG = 1e-5, 1e-4  # of a variance, in the authors' codes


@objectives.register
def nt_xent(first: Array, second: Array, *, temperature: Positive = 0.5) -> Array:
    """SimCLR: the other view of an example is to be told from all views of the other examples.

    Of each of the 2N views -log exp(s(z, z') / t) / sum_{a != z} exp(s(z, a) / t), s the cosine, and of an
    example the mean of its two.

    Args:
      first: [B, D], projections z.
      second: [B, D], projections z' of the other views.
      temperature: t > 0.

    Returns:
      [B] nats, above 0.

    Paper: Chen et al. 2020, arXiv:2002.05709, equation 1
    """
    own = parallel.example_indices(first.shape[0])
    return _likeness(first, second, own, temperature)


@objectives.register
def supcon(
    first: Array, second: Array, label: Array, *, temperature: Positive = 0.1
) -> Array:
    """SupCon: NT-Xent in which all views of all examples of a class are each other's positives.

    Of each view the mean over its positives of -log exp(s(z, p) / t) / sum_{a != z} exp(s(z, a) / t), and
    of an example the mean of its two views: L_out of the paper.

    Args:
      first: [B, D], projections z.
      second: [B, D], projections z' of the other views.
      label: [B] int, classes.
      temperature: t > 0.

    Returns:
      [B] nats, above 0.

    Paper: Khosla et al. 2020, arXiv:2004.11362, equation 2
    """
    return _likeness(first, second, label, temperature)


@objectives.register
def simsiam(
    first_prediction: Array,
    second_prediction: Array,
    first_target: Array,
    second_target: Array,
) -> Array:
    """SimSiam: the prediction from a view looks where the other view's projection does.

    -(s(p, sg(z')) + s(p', sg(z))) / 2, s the cosine and sg what stops a gradient.

    Args:
      first_prediction: [B, D], p.
      second_prediction: [B, D], p'.
      first_target: [B, D], z.
      second_target: [B, D], z'.

    Returns:
      [B] in [-1, 1].

    Paper: Chen & He 2021, arXiv:2011.10566, algorithm 1
    """
    one = _cosine(first_prediction, second_target)
    return -0.5 * (one + _cosine(second_prediction, first_target))


@objectives.register
def byol(
    first_prediction: Array,
    second_prediction: Array,
    first_target: Array,
    second_target: Array,
) -> Array:
    """BYOL: squared distances of predictions from the targets of the other views, all of norm one.

    ||p - sg(z')||^2 + ||p' - sg(z)||^2 = 4 - 2 s(p, z') - 2 s(p', z), s the cosine. That is
    SimSiam's, scaled; the targets are of a network that follows slowly.

    Args:
      first_prediction: [B, D], p.
      second_prediction: [B, D], p'.
      first_target: [B, D], z.
      second_target: [B, D], z'.

    Returns:
      [B] in [0, 8].

    Paper: Grill et al. 2020, arXiv:2006.07733, equation 2
    """
    predictions = first_prediction, second_prediction
    return 4.0 + 4.0 * simsiam(*predictions, first_target, second_target)


@objectives.register
def barlow_twins(
    first: Array, second: Array, *, redundancy: NonNegative = 5e-3
) -> dict[str, Array]:
    """Barlow Twins: the cross-correlation C of both views over the batch is to be the identity.

    sum_i (1 - C_ii)^2 + l sum_{i != j} C_ij^2, each column of z and z' less its mean and divided by its
    (biased) standard deviation.

    Args:
      first: [B, D], projections z.
      second: [B, D], projections z' of the other views.
      redundancy: l, 0 or more.

    Returns:
      Two terms, [] each.

    Paper: Zbontar et al. 2021, arXiv:2103.03230, equations 1 and 2
    """
    chex.assert_equal_shape([first, second])
    one, other = (_standardized(_all_of(z, "barlow_twins")) for z in (first, second))
    correlation = one.T @ other / one.shape[0]
    off = jnp.sum(jnp.square(_off_diagonal(correlation)))
    return {
        "invariance": jnp.sum(jnp.square(1 - jnp.diagonal(correlation))),
        "redundancy": redundancy * off,
    }


@objectives.register
def vicreg(
    first: Array,
    second: Array,
    *,
    invariance: NonNegative = 25.0,
    variance: NonNegative = 25.0,
    covariance: NonNegative = 1.0,
) -> dict[str, Array]:
    """VICReg: two views alike, each projection spread to a deviation of one, and uncorrelated.

    i mean_d (z_d - z'_d)^2, + v/2 [V(z) + V(z')] with V = mean_d max(0, 1 - sqrt(Var z_d + 1e-4)), and
    + c [C(z) + C(z')] with C = sum_{d != e} Cov(z_d, z_e)^2 / D; variances over the batch, unbiased. The means
    over features and the half are the authors' code, to which the weights belong.

    Args:
      first: [B, D], projections z.
      second: [B, D], projections z' of the other views.
      invariance: i, 0 or more.
      variance: v, 0 or more.
      covariance: c, 0 or more.

    Returns:
      Three terms: of examples [B], and of the batch [] and [].

    Paper: Bardes, Ponce & LeCun 2022, arXiv:2105.04906, section 4.1
    """
    chex.assert_equal_shape([first, second])
    spread, correlated = 0.0, 0.0
    for z in (first, second):
        every = _all_of(z, "vicreg")
        every = every - jnp.mean(every, axis=0, keepdims=True)
        cov = every.T @ every / (every.shape[0] - 1)
        deviation = jnp.sqrt(jnp.diagonal(cov) + _VICREG)
        spread += jnp.mean(jax.nn.relu(1 - deviation)) / 2
        correlated += jnp.sum(jnp.square(_off_diagonal(cov))) / z.shape[1]
    return {
        "invariance": invariance * jnp.mean(jnp.square(first - second), axis=1),
        "variance": variance * spread,
        "covariance": covariance * correlated,
    }


def unit(z: Array) -> Array:
    """`z: [B, D]` divided by its norms."""
    squares = jnp.sum(jnp.square(z), axis=1, keepdims=True)
    return z * jax.lax.rsqrt(jnp.maximum(squares, _SMALL**2))


def _likeness(first: Array, second: Array, kind: Array, temperature: Positive) -> Array:
    """The contrastive loss of each example where views of one `kind: [B]` are positives: [B]."""
    chex.assert_equal_shape([first, second])
    views = unit(first), unit(second)
    every = jnp.concatenate([_all_of(view, "a contrastive loss") for view in views])
    kinds = jnp.tile(parallel.gather_batch(kind), 2)
    own = parallel.example_indices(first.shape[0])
    place = jnp.concatenate([own, own + every.shape[0] // 2])  # among all views
    is_self = place[:, None] == jnp.arange(every.shape[0])[None]
    logits = jnp.concatenate(views) @ every.T / temperature
    logits = jnp.where(is_self, -jnp.inf, logits)
    log_share = logits - jax.nn.logsumexp(logits, axis=1, keepdims=True)
    positive = (jnp.tile(kind, 2)[:, None] == kinds[None]) & ~is_self
    total = jnp.sum(jnp.where(positive, log_share, 0.0), axis=1)
    of_views = -total / jnp.sum(positive, axis=1)
    return jnp.mean(of_views.reshape(2, -1), axis=0)


def _all_of(z: Array, what: str) -> Array:
    """`z: [B, D]` of the whole batch, which `what` compares."""
    every = parallel.gather_batch(z)
    parallel.need_several(every.shape[0], what)
    return every


def _cosine(prediction: Array, target: Array) -> Array:
    chex.assert_equal_shape([prediction, target])
    return jnp.sum(unit(prediction) * jax.lax.stop_gradient(unit(target)), axis=1)


def _standardized(z: Array) -> Array:
    mean = jnp.mean(z, axis=0, keepdims=True)
    variance = jnp.mean(jnp.square(z - mean), axis=0, keepdims=True)
    return (z - mean) * jax.lax.rsqrt(variance + _BARLOW)


def _off_diagonal(square: Array) -> Array:
    return square * (1 - jnp.eye(square.shape[0]))
