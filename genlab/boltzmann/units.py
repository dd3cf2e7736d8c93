"""Kinds of units: what a layer does, given the field that the rest of its machine puts on it.

The units v of a layer have the density q(v) exp(v.f - A(f)) under a field f, with a base measure q and
the log-normalizer A(f) = log sum_v q(v) exp(v.f); a sum is an integral for real units.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.game import rng

Array = jax.Array

SMOOTHING = 1e-3  # probabilities of a base rate stay this far from 0 and 1


def check_binary(low: float, high: float, otherwise: str = "") -> None:
    """Refuses examples that are no states, or probabilities, of binary units.

    Args:
      low: smallest number that an example may have.
      high: largest.
      otherwise: what would take such examples as they are, for the message.

    Raises:
      InputError: [low, high] reaches beyond [0, 1].
    """
    if low < 0 or high > 1:
        ways = ["data.value_range=(0, 1)", *filter(None, [otherwise])]
        raise InputError(
            f"examples in [{low:g}, {high:g}] for Bernoulli visible units, which are in"
            f" [0, 1]; take {', or '.join(ways)}"
        )


@dataclass(frozen=True)
class Bernoulli:
    """Units in {0, 1}: q = 1, A(f) = sum sp(f).

    Attributes:
      size: units of the layer.
    """

    size: int

    def log_normalizer(self, field: Array) -> Array:
        """A(f) of `field: [..., D]`: [...], nats."""
        return jnp.sum(jax.nn.softplus(field), axis=-1)

    def log_base(self, v: Array) -> Array:
        """log q(v) of `v: [..., D]`: [...], nats."""
        return jnp.zeros(v.shape[:-1], v.dtype)

    def mean(self, field: Array) -> Array:
        """E[v] under `field: [..., D]`: the same shape."""
        return jax.nn.sigmoid(field)

    def sample(self, field: Array, key: Array) -> Array:
        """v under `field: [N, ..., D]`, float32; the first axis counts examples."""
        return rng.bernoulli(key, self.mean(field), field.shape).astype(jnp.float32)

    def base_field(self, mean: Array) -> Array:
        """The field under which independent units have `mean: [D]`, smoothed: [D]."""
        p = jnp.clip(mean, SMOOTHING, 1 - SMOOTHING)
        return jnp.log(p) - jnp.log1p(-p)


@dataclass(frozen=True)
class Gaussian:
    """Real units of variance 1: q = exp(-|v|^2 / 2), A(f) = |f|^2 / 2 + D/2 log 2 pi.

    Attributes:
      size: units of the layer.
    """

    size: int

    def log_normalizer(self, field: Array) -> Array:
        """A(f) of `field: [..., D]`: [...], nats."""
        constant = 0.5 * self.size * math.log(2 * math.pi)
        return 0.5 * jnp.sum(jnp.square(field), axis=-1) + constant

    def log_base(self, v: Array) -> Array:
        """log q(v) of `v: [..., D]`: [...], nats."""
        return -0.5 * jnp.sum(jnp.square(v), axis=-1)

    def mean(self, field: Array) -> Array:
        """E[v] under `field: [..., D]`: the same shape."""
        return field

    def sample(self, field: Array, key: Array) -> Array:
        """v under `field: [N, ..., D]`, float32; the first axis counts examples."""
        return field + rng.normal(key, field.shape)

    def base_field(self, mean: Array) -> Array:
        """The field under which independent units have `mean: [D]`: [D]."""
        return mean


@dataclass(frozen=True)
class Labelled:
    """Bernoulli units, and after them one group of which exactly one unit is on.

    Attributes:
      bernoulli: units in {0, 1}, the first of the layer.
      labels: units of the group, the last of the layer.
    """

    bernoulli: int
    labels: int

    @property
    def size(self) -> int:
        """Units of the layer."""
        return self.bernoulli + self.labels

    def log_normalizer(self, field: Array) -> Array:
        """A(f) of `field: [..., D]`: sum sp(f) + logsumexp of the group: [...], nats."""
        free, group = self._split(field)
        return jnp.sum(jax.nn.softplus(free), axis=-1) + jax.nn.logsumexp(group, -1)

    def log_base(self, v: Array) -> Array:
        """log q(v) of `v: [..., D]`: [...], nats."""
        return jnp.zeros(v.shape[:-1], v.dtype)

    def mean(self, field: Array) -> Array:
        """E[v] under `field: [..., D]`: the same shape."""
        free, group = self._split(field)
        return jnp.concatenate([jax.nn.sigmoid(free), jax.nn.softmax(group)], axis=-1)

    def sample(self, field: Array, key: Array) -> Array:
        """v under `field: [N, ..., D]`, float32; the first axis counts examples."""
        free, group = self._split(field)
        on = rng.bernoulli(rng.fold(key, "free"), jax.nn.sigmoid(free), free.shape)
        # The largest of the fields, each with Gumbel noise, is a draw of their softmax.
        u = rng.uniform(rng.fold(key, "label"), group.shape, minval=1e-7)
        label = jnp.argmax(group - jnp.log(-jnp.log(u)), axis=-1)
        one_hot = jax.nn.one_hot(label, self.labels)
        return jnp.concatenate([on.astype(jnp.float32), one_hot], axis=-1)

    def base_field(self, mean: Array) -> Array:
        """The field under which independent units have `mean: [D]`, smoothed: [D]."""
        p = jnp.clip(mean, SMOOTHING, 1 - SMOOTHING)
        free, group = self._split(p)
        return jnp.concatenate([jnp.log(free) - jnp.log1p(-free), jnp.log(group)])

    def _split(self, units: Array) -> tuple[Array, Array]:
        return units[..., : self.bernoulli], units[..., self.bernoulli :]


Units = Bernoulli | Gaussian | Labelled
