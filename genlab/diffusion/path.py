"""Paths from data to noise: x_t = alpha(t) x + sigma(t) epsilon, epsilon ~ N(0, I).

Time runs from the data at t = 0 to noise at t = 1. `times` maps u in [0, 1) to the times that are trained on,
so that u ~ U[0, 1) gives their distribution.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri

from genlab.errors import InputError
from genlab.numbers import NonNegative, Positive, Range
from genlab.registry import paths

Array = jax.Array
FIRST = 1e-3  # the least time that is trained on, where a path has no noise at 0
MUCH = 9.3  # twice the integral of beta, after which alpha is below a tenth


class Path:
    """What every path has.

    Attributes:
      ends_in_noise: whether alpha(1) is 0, so that nothing of the data is left.
      begins_in_noise: whether sigma(0) is not 0, so that a sample at time 0 still has noise to be taken away.
      spread: standard deviation of x_1 around what is left of the data.
    """

    ends_in_noise: ClassVar[bool] = False
    begins_in_noise: ClassVar[bool] = False

    def levels(self, time: Array) -> tuple[Array, Array]:
        """alpha and sigma at `time: [...]` in [0, 1]: the same shape each."""
        raise NotImplementedError

    def times(self, u: Array) -> Array:
        """Times in [FIRST, 1] of `u: [...]` in [0, 1), evenly."""
        return FIRST + (1 - FIRST) * u

    def told(self, time: Array) -> Array:
        """What the network is told of `time: [...]`, the same shape: the time."""
        return time

    def rates(self, time: Array) -> tuple[Array, Array]:
        """The derivatives of alpha and sigma by time."""
        return jax.jvp(self.levels, (time,), (jnp.ones_like(time),))[1]


@paths.register
@dataclass(frozen=True, kw_only=True)
class VariancePreserving(Path):
    """alpha^2 = exp(-integral of beta), sigma^2 = 1 - alpha^2, beta linear in time.

    With its defaults it is the limit of a thousand steps whose variances rise from 1e-4 to 0.02; alpha(1)
    is 0.0066.

    Attributes:
      low: beta(0).
      high: beta(1).

    Papers: Ho, Jain & Abbeel 2020, arXiv:2006.11239; Song et al. 2021, arXiv:2011.13456
    """

    low: Positive = 0.1
    high: Positive = 20.0

    def __post_init__(self) -> None:
        """Refuses a path at whose end more than a tenth of the data is left: samples begin there with noise alone."""
        total = self.low + self.high
        if _are_numbers(self.low, self.high) and total < MUCH:
            raise InputError(
                f"path 'variance_preserving': low and high of beta are {total:g} together, so that"
                f" {math.exp(-total / 4):.2g} of an example is left in its noise; take {MUCH} or more, such as"
                " high=20.0"
            )

    def levels(self, time: Array) -> tuple[Array, Array]:
        log_alpha = -0.5 * (
            self.low * time + 0.5 * (self.high - self.low) * jnp.square(time)
        )
        return jnp.exp(log_alpha), jnp.sqrt(-jnp.expm1(2 * log_alpha))


@paths.register
@dataclass(frozen=True, kw_only=True)
class Cosine(Path):
    """alpha = cos(pi/2 s) / cos(pi/2 s_0) at s = (LAST t + offset) / (1 + offset), sigma^2 = 1 - alpha^2.

    Time is scaled by 0.999, in the place of the paper's limit on beta, so that alpha(1) is not 0.

    Attributes:
      offset: of time, which keeps the noise at its beginning from being too small.

    Paper: Nichol & Dhariwal 2021, arXiv:2102.09672
    """

    offset: Positive = 0.008

    def levels(self, time: Array) -> tuple[Array, Array]:
        angle = lambda t: 0.5 * math.pi * (t + self.offset) / (1 + self.offset)
        alpha = jnp.cos(angle(0.999 * time)) / jnp.cos(angle(jnp.zeros_like(time)))
        return alpha, jnp.sqrt(jnp.maximum(1 - jnp.square(alpha), 0.0))


@paths.register
@dataclass(frozen=True, kw_only=True)
class Straight(Path):
    """alpha = 1 - t, sigma = t: straight lines, as of rectified flows and flow matching.

    The papers let time run from noise to data; here it is the other way round, as for every path.

    Attributes:
      logit_std: times are sigmoid(s n), n ~ N(0, 1), which looks at the middle more; None for even ones.

    Papers: Lipman et al. 2023, arXiv:2210.02747; Liu, Gong & Liu 2023, arXiv:2209.03003; times: Esser et al.
      2024, arXiv:2403.03206
    """

    ends_in_noise: ClassVar = True

    logit_std: Positive | None = None

    def levels(self, time: Array) -> tuple[Array, Array]:
        return 1 - time, time

    def times(self, u: Array) -> Array:
        if self.logit_std is None:
            return super().times(u)
        middle = jax.nn.sigmoid(self.logit_std * _normal_quantile(u))
        return jnp.clip(middle, FIRST, 1.0)


@paths.register
@dataclass(frozen=True, kw_only=True)
class VarianceExploding(Path):
    """alpha = 1 and sigma from `low` to `high`, sigma^(1/rho) linear in time.

    An even grid of times is so the grid of noise levels of the paper's samplers; training draws
    ln sigma ~ N(mean, std^2). The network is told ln(sigma) / 4, the paper's c_noise.

    Attributes:
      low: sigma(0).
      high: sigma(1).
      rho: the larger, the more of the grid lies at small levels.
      mean: of ln sigma in training.
      std: of ln sigma in training.

    Paper: Karras et al. 2022, arXiv:2206.00364
    """

    begins_in_noise: ClassVar = True

    low: Positive = 0.002
    high: Positive = 80.0
    rho: Positive = 7.0
    mean: Annotated[float, Range(-20, 20)] = -1.2
    std: NonNegative = 1.2

    def __post_init__(self) -> None:
        """Refuses noise that does not rise."""
        if _are_numbers(self.low, self.high) and self.low >= self.high:
            raise InputError(
                f"path 'variance_exploding': low={self.low:g} must be below high={self.high:g}"
            )

    def levels(self, time: Array) -> tuple[Array, Array]:
        first, last = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        sigma = (first + time * (last - first)) ** self.rho
        return jnp.ones_like(sigma), sigma

    def times(self, u: Array) -> Array:
        sigma = jnp.exp(self.mean + self.std * _normal_quantile(u))
        first, last = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        time = (sigma ** (1 / self.rho) - first) / (last - first)
        return jnp.clip(time, 0.0, 1.0)

    def told(self, time: Array) -> Array:
        return jnp.log(self.levels(time)[1]) / 4


def _are_numbers(*values: Array | float) -> bool:
    """Not traced ones, whose trial was checked with numbers."""
    return all(isinstance(value, int | float) for value in values)


def _normal_quantile(u: Array) -> Array:
    """Of the standard normal, finite at both ends."""
    return ndtri(jnp.clip(u, 1e-6, 1 - 1e-6))
