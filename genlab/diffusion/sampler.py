"""Samplers: from noise at time 1 to an example at time 0, in one compiled scan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from genlab.diffusion.path import Path
from genlab.errors import InputError
from genlab.game import rng
from genlab.numbers import Coordinate, Count, Fraction
from genlab.part import says
from genlab.registry import samplers

Array = jax.Array
# (x_t: [B, ...], time: []) -> the example and the noise in it, [B, ...] each.
Denoise = Callable[[Array, Array], tuple[Array, Array]]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """What every sampler has.

    Attributes:
      clip: the ends that predicted examples are kept between, such as (-1.0, 1.0), and the noise in them what
        is left then; None for any.
    """

    clip: Sequence[Coordinate] | None = None

    def __post_init__(self) -> None:
        """Refuses ends that nothing lies between."""
        if self.clip is not None and (
            len(self.clip) != 2 or self.clip[0] >= self.clip[1]
        ):
            raise InputError(
                f"clip={tuple(self.clip)} of a sampler is no range; take its lower and its upper end, such as"
                " (-1.0, 1.0)"
            )


def check_data(sampler: Any, low: float, high: float) -> None:
    """Raises InputError where a sampler clips what examples in [low, high] may be."""
    clip = says(sampler, "clip")
    if clip is not None and (low < clip[0] or high > clip[1]):
        raise InputError(
            f"examples lie in [{low:g}, {high:g}], outside clip={tuple(clip)} of the sampler"
        )


def draw_along(
    sampler: Any, path: Path, denoise: Denoise, start: Array, key: Array
) -> Array:
    """Examples, [B, ...], from x_1 along a path.

    Where a path has noise at time 0 the last step takes it away, to what is predicted there: on
    `variance_exploding` the times are so the noise levels of the paper, `steps` of them and then 0. A sampler of
    consistency models ends with a call on all paths, at the time before 0.

    Args:
      sampler: a registered sampler; its `steps` even steps of time are taken, or steps of its own.
      path: of the model.
      denoise: the model.
      start: x_1, [B, ...].
      key: of the noise on the way, where a sampler adds any.
    """
    if (clip := says(sampler, "clip")) is not None:
        denoise = clipped(path, denoise, *clip)
    if hasattr(sampler, "solve"):  # in steps of its own
        return sampler.solve(path, denoise, start)
    ends_in_call = path.begins_in_noise
    if says(sampler, "consistent", False):
        ends_in_call, grid = True, jnp.linspace(1.0, 0.0, sampler.steps + 1)[:-1]
    else:
        grid = jnp.linspace(1.0, 0.0, sampler.steps + (not ends_in_call))

    def move(x: Array, leg: tuple[Array, Array, Array]) -> tuple[Array, None]:
        index, now, then = leg
        noise = rng.normal(rng.fold(key, index), x.shape) if sampler.draws else None
        return sampler.step(path, denoise, x, now, then, noise), None

    legs = (jnp.arange(len(grid) - 1), grid[:-1], grid[1:])
    end = jax.lax.scan(move, start, legs)[0]
    return denoise(end, grid[-1])[0] if ends_in_call else end


def clipped(path: Path, denoise: Denoise, low: float, high: float) -> Denoise:
    """The model with examples in [low, high], and the noise (x_t - alpha x) / sigma that is left beside them."""

    def kept(x: Array, time: Array) -> tuple[Array, Array]:
        alpha, sigma = path.levels(time)
        example = jnp.clip(denoise(x, time)[0], low, high)
        return example, (x - alpha * example) / sigma

    return kept


def drift(path: Path, denoise: Denoise, x: Array, time: Array) -> Array:
    """dx/dt = alpha' x + sigma' epsilon of the probability flow, [B, ...]."""
    example, noise = denoise(x, time)
    alpha_rate, sigma_rate = path.rates(time)
    return alpha_rate * example + sigma_rate * noise


@samplers.register
@dataclass(frozen=True, kw_only=True)
class Ancestral(Sampler):
    """From the posterior q(x_s | x_t, x), with x as it is predicted: DDPM's sampler, and DDIM's at eta 0.

    x_s = alpha_s x + sqrt(sigma_s^2 - d^2) epsilon + d n, n ~ N(0, I), with d = eta sigma_s sqrt(1 - r^2) and
    r = alpha_t sigma_s / (alpha_s sigma_t).

    Attributes:
      steps: steps of time.
      eta: 1 for DDPM's, 0 for none of the noise.
      clip: of predictions, see `Sampler`.

    Papers: Ho, Jain & Abbeel 2020, arXiv:2006.11239; Song, Meng & Ermon 2021, arXiv:2010.02502
    """

    draws: ClassVar = True

    steps: Count = 100
    eta: Fraction = 1.0

    def step(self, path, denoise, x, now, then, noise) -> Array:
        """x at the time `then` of `x: [B, ...]` at `now`."""
        (alpha, sigma), (next_alpha, next_sigma) = path.levels(now), path.levels(then)
        example, predicted = denoise(x, now)
        kept = alpha * next_sigma / (next_alpha * sigma)
        fresh = self.eta * next_sigma * jnp.sqrt(jnp.maximum(1 - jnp.square(kept), 0.0))
        old = jnp.sqrt(jnp.maximum(jnp.square(next_sigma) - jnp.square(fresh), 0.0))
        return next_alpha * example + old * predicted + fresh * noise


@samplers.register
@dataclass(frozen=True, kw_only=True)
class Ddim(Ancestral):
    """`ancestral` without its noise: a map from x_1 to an example.

    Attributes:
      steps: steps of time.
      eta: share of the noise that is added after all.
      clip: of predictions, see `Sampler`.

    Paper: Song, Meng & Ermon 2021, arXiv:2010.02502
    """

    steps: Count = 50
    eta: Fraction = 0.0


@samplers.register
@dataclass(frozen=True, kw_only=True)
class Euler(Sampler):
    """Euler's steps of the probability flow dx/dt = alpha' x + sigma' epsilon.

    Attributes:
      steps: steps of time.
      clip: of predictions, see `Sampler`.
    """

    draws: ClassVar = False

    steps: Count = 50

    def step(self, path, denoise, x, now, then, noise) -> Array:
        """x at the time `then` of `x: [B, ...]` at `now`."""
        return x + (then - now) * drift(path, denoise, x, now)


@samplers.register
@dataclass(frozen=True, kw_only=True)
class Midpoint(Euler):
    """Steps of the probability flow by its direction halfway, two predictions each.

    Attributes:
      steps: steps of time.
      clip: of predictions, see `Sampler`.
    """

    steps: Count = 25

    def step(self, path, denoise, x, now, then, noise) -> Array:
        middle = 0.5 * (now + then)
        halfway = x + (middle - now) * drift(path, denoise, x, now)
        return x + (then - now) * drift(path, denoise, halfway, middle)


@samplers.register
@dataclass(frozen=True, kw_only=True)
class Heun(Euler):
    """Steps of the probability flow by the mean of what is predicted at both ends; the last is Euler's.

    x_s = x_t + (alpha_s - alpha_t) x + (sigma_s - sigma_t) epsilon, which on `variance_exploding` are the
    paper's steps, in sigma.

    Attributes:
      steps: steps of time, two predictions each but the last.
      clip: of predictions, see `Sampler`.

    Paper: Karras et al. 2022, arXiv:2206.00364
    """

    steps: Count = 18

    def step(self, path, denoise, x, now, then, noise) -> Array:
        (alpha, sigma), (next_alpha, next_sigma) = path.levels(now), path.levels(then)

        def moved(example: Array, predicted: Array) -> Array:
            return x + (next_alpha - alpha) * example + (next_sigma - sigma) * predicted

        first = denoise(x, now)
        # Behind the last step there is no noise to predict.
        least = 0.0 if path.begins_in_noise else 1e-4
        second = denoise(moved(*first), jnp.maximum(then, least))
        mean = [
            jnp.where(next_sigma > 0, 0.5 * (a + b), a)
            for a, b in zip(first, second, strict=True)
        ]
        return moved(*mean)


@samplers.register
@dataclass(frozen=True, kw_only=True)
class Renoised(Sampler):
    """What a consistency model makes of noise, and then of that mixed with fresh noise: x_s = alpha_s x + sigma_s n.

    Attributes:
      steps: calls of the network.
      clip: of predictions, see `Sampler`.

    Paper: Song et al. 2023, arXiv:2303.01469, algorithm 1
    """

    draws: ClassVar = True
    consistent: ClassVar = True  # of such models alone

    steps: Count = 1

    def step(self, path, denoise, x, now, then, noise) -> Array:
        """x at the time `then` of `x: [B, ...]` at `now`."""
        alpha, sigma = path.levels(then)
        return alpha * denoise(x, now)[0] + sigma * noise
