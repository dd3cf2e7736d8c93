"""Negative log-likelihoods of an example under the model's output, summed over its features.

A likelihood needs `outputs` and `targets`, [B, ...] each, and gives [B]. Beside it stand what the rest
of the house asks of it, which one of your own may have too:

| attribute | meaning | without it |
|---|---|---|
| `mean` | outputs to the mean of an example | the outputs themselves |
| `support` | (low, high) of examples | any |
"""

import math
from collections.abc import Callable
from typing import Annotated

import chex
import jax
import jax.numpy as jnp
import optax

from genlab.errors import InputError
from genlab.numbers import Decay, Positive, Range
from genlab.part import function_of, name_of
from genlab.registry import objectives

Array = jax.Array
Levels = Annotated[int, Range(2, 2**16)]

TOGETHER = 8  # numbers in (1, 2], of whose product one logarithm is taken


def _sum_features(values: Array) -> Array:
    return jnp.sum(values, axis=tuple(range(1, values.ndim)))


def likelihood(
    mean: Callable[[Array], Array] = lambda outputs: outputs,
    support: tuple[float, float] = (-math.inf, math.inf),
) -> Callable[[Callable], Callable]:
    """Decorator that says of a likelihood what its mean is, and which examples it is of.

    Args:
      mean: outputs `[B, ...]` of a network to the mean of an example, the same shape.
      support: (low, high) that examples lie in; others are refused before training.
    """

    def declare(function: Callable) -> Callable:
        function.mean, function.support = mean, support
        return function

    return declare


@objectives.register
@likelihood(mean=jax.nn.sigmoid, support=(0.0, 1.0))
def bernoulli(outputs: Array, targets: Array) -> Array:
    """Bernoulli cross-entropy, sum of sp(l) - x l = x sp(-l) + (1 - x) sp(l).

    Args:
      outputs: [B, D], logits l; any rank of two or more.
      targets: [B, D] in [0, 1], x, the same shape.

    Returns:
      [B], nats.
    """
    chex.assert_equal_shape([outputs, targets])
    # Coins may be booleans or integers, which have no slope.
    targets = targets.astype(jnp.result_type(targets, jnp.float32))
    rows = (values.reshape(values.shape[0], -1) for values in (outputs, targets))
    return _coins_cross_entropy(*rows)


def coin_cross_entropy(logits: Array, target: Array | float) -> Array:
    """-t log sigmoid(l) - (1 - t) log(1 - sigmoid(l)) of each entry, nats.

    As sp(-|l|) + |l| c, c the target of the less likely side: sp(l) - t l would lose its value and its
    slope where l is large and right.

    Args:
      logits: l, of any shape.
      target: t in [0, 1], of the same shape or one number.
    """
    size, against = _size(logits), jnp.where(logits > 0, 1 - target, target)
    return jnp.log1p(jnp.exp(-size)) + size * against


def _size(logits: Array) -> Array:
    """|l|, with a slope at 0."""
    return jnp.where(logits > 0, logits, -logits)


@jax.custom_jvp
def _coins_cross_entropy(logits: Array, target: Array) -> Array:
    """The sum of `coin_cross_entropy` over rows, [B] of [B, D] each.

    The logarithms are most of its cost, so one is taken of the product of several numbers 1 + exp(-|l|); of what a
    row loses below 1e-7 nats nothing is left in its value, and all in its slope.
    """
    size = _size(logits)
    against = jnp.where(logits > 0, 1 - target, target)
    factor, eighth = 1 + jnp.exp(-size), logits.shape[1] // TOGETHER
    product = math.prod(
        factor[:, part * eighth : (part + 1) * eighth] for part in range(TOGETHER)
    )
    rest = jnp.log1p(jnp.exp(-size[:, TOGETHER * eighth :]))
    return _sum_features(size * against) + sum(
        _sum_features(part) for part in (jnp.log(product), rest)
    )


@_coins_cross_entropy.defjvp
def _slope_of_coins(values: tuple, moves: tuple) -> tuple[Array, Array]:
    logits, target = values
    odds = jnp.exp(-_size(logits))
    share = odds / (1 + odds)  # of the less likely side
    slope = jnp.where(logits > 0, 1 - target - share, share - target)
    moved = slope * moves[0] - logits * moves[1]
    return _coins_cross_entropy(logits, target), _sum_features(moved)


@objectives.register
@likelihood()
def gaussian(outputs: Array, targets: Array, *, scale: Positive = 1.0) -> Array:
    """Gaussian with mean `outputs`.

    Sum of (x - m)^2 / (2 s^2) + log s + log(2 pi) / 2.

    Args:
      outputs: [B, D], means m; any rank of two or more.
      targets: [B, D], x, the same shape.
      scale: standard deviation s > 0, one or [B, D].

    Returns:
      [B], nats.
    """
    chex.assert_equal_shape([outputs, targets])
    constant = jnp.log(scale) + 0.5 * jnp.log(2 * jnp.pi)
    return _sum_features(0.5 * jnp.square((targets - outputs) / scale) + constant)


@objectives.register
@likelihood(mean=lambda outputs: jnp.clip(outputs, 0, 1), support=(0.0, 1.0))
def discretized_logistic(
    outputs: Array, targets: Array, *, scale: Positive = 0.1, levels: Levels = 256
) -> Array:
    """Logistic with mean `outputs`, of which each of L levels in [0, 1] has the mass around it.

    Sum of -log(sigmoid(b) - sigmoid(a)), a and b = (x -+ 1 / (2 (L - 1)) - m) / s, a = -inf at x = 0 and
    b = inf at x = 1, so that the masses of all levels sum to 1. As
    sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - e^(a - b)) no difference of near numbers is
    taken.

    Args:
      outputs: [B, D], means m; any rank of two or more.
      targets: [B, D] in [0, 1], x, the same shape, the nearest level of each is meant.
      scale: s > 0, one or [B, D].
      levels: L, 2 or more; 256 of images with 8 bits.

    Returns:
      [B], nats, of a probability.

    Papers: Kingma et al. 2016, arXiv:1606.04934; Salimans et al. 2017, arXiv:1701.05517
    """
    chex.assert_equal_shape([outputs, targets])
    x = jnp.round(targets * (levels - 1)) / (levels - 1)
    half = 0.5 / (levels - 1)
    below, above = (x - half - outputs) / scale, (x + half - outputs) / scale
    least, most = x <= 0, x >= 1
    # -log sigmoid(b), -log sigmoid(-a), and -log(1 - e^(a - b)) of what both leave.
    of_above = jnp.where(most, 0.0, coin_cross_entropy(above, 1.0))
    of_below = jnp.where(least, 0.0, coin_cross_entropy(below, 0.0))
    both = jnp.where(least | most, 0.0, -jnp.log(-jnp.expm1(-2 * half / scale)))
    return _sum_features(of_above + of_below + both)


@objectives.register
def cross_entropy(
    logits: Array, label: Array, *, label_smoothing: Decay = 0.0
) -> Array:
    """Softmax cross-entropy with integer labels, -log softmax(l)[y].

    Args:
      logits: [B, K], l.
      label: [B] int in [0, K), y.
      label_smoothing: share of the target spread evenly over all K classes, in [0, 1).

    Returns:
      [B], nats.

    Paper: label smoothing: Szegedy et al. 2016, arXiv:1512.00567
    """
    chex.assert_rank([logits, label], [2, 1])
    hard = optax.softmax_cross_entropy_with_integer_labels(logits, label)
    even = -jnp.mean(jax.nn.log_softmax(logits), axis=-1)
    return (1 - label_smoothing) * hard + label_smoothing * even


@objectives.register
@likelihood()
def squared_error(outputs: Array, targets: Array) -> Array:
    """Half the squared error, 1/2 sum (x - m)^2: a unit Gaussian without its constant.

    Args:
      outputs: [B, D], means m; any rank of two or more.
      targets: [B, D], x, the same shape.

    Returns:
      [B], nats up to a constant.
    """
    chex.assert_equal_shape([outputs, targets])
    return 0.5 * _sum_features(jnp.square(targets - outputs))


def mean_example(likelihood: str | Callable, outputs: Array) -> Array:
    """The mean of an example under the model's output: what a likelihood says is its `mean`.

    Args:
      likelihood: by name, or as it was built from a config.
      outputs: [B, ...].
    """
    return getattr(_function(likelihood), "mean", lambda outputs: outputs)(outputs)


def target_entropy(likelihood: str | Callable, x: Array) -> dict[str, Array]:
    """The least that a Bernoulli cross-entropy with `x: [B, ...]` can be, its own entropy.

    Gray pixels have one, which no reconstruction gets below; black and white ones have none.

    Returns:
      `target_entropy`, [B] nats, of `bernoulli`; nothing of other likelihoods.
    """
    if _function(likelihood) is not objectives.find("bernoulli"):
        return {}
    bits = jax.scipy.special.entr(x) + jax.scipy.special.entr(1 - x)
    return {"target_entropy": _sum_features(bits)}


def check_range(likelihood: str | Callable, low: float, high: float) -> None:
    """Raises InputError where examples in [low, high] leave the support of a likelihood."""
    function = _function(likelihood)
    least, most = getattr(function, "support", (-math.inf, math.inf))
    if low < least or high > most:
        raise InputError(
            f"{name_of(function)!r} is the likelihood of examples in [{least:g}, {most:g}], and these"
            f" are in [{low:g}, {high:g}]; set data.value_range, or take 'gaussian'"
        )


def _function(likelihood: str | Callable) -> Callable:
    """The registered function behind a name, or behind what was built from a config."""
    chosen = objectives.find(likelihood) if isinstance(likelihood, str) else likelihood
    return function_of(chosen)
