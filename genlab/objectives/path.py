"""What a generator pays for latents whose steps are of unlike size in its examples."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import parallel, rng
from genlab.numbers import Fraction, NonNegative
from genlab.objectives.lazy import lazy
from genlab.registry import objectives

Array = jax.Array

SPACES = ("latent", "style")


@objectives.register
@lazy
def path_length(
    generator: Callable[[Array], Array],
    latent: Array,
    key: Array,
    memory: dict[str, Array],
    *,
    weight: NonNegative = 2.0,
    decay: Fraction = 0.01,
    space: str = "latent",
) -> tuple[Array, dict[str, Array]]:
    """Squared distance of the length of J^T y from its running mean a: w (||J^T y|| - a)^2.

    J is the Jacobian of the generator at a latent, y ~ N(0, I) / sqrt(H W) an image of noise. The mean
    comes first, a <- a + d (E ||J^T y|| - a), and starts at 0. With `every=4` it is paid as in StyleGAN2.

    Args:
      generator: callable, latents [B, Z] to examples [B, ...].
      latent: [B, Z], z.
      key: of y.
      memory: `mean: []`, a.
      weight: w, 0 or more.
      decay: d.
      space: `latent`, or `style` for a generator with methods `mapping`, z to styles [B, W] or
        [B, layers, W], and `synthesis`, these to examples; of layers the mean of the squares is taken.

    Returns:
      [B], and the memory afterwards.

    Raises:
      InputError: an unknown space.

    Paper: Karras et al. 2020, arXiv:1912.04958, section 3.2
    """
    if space not in SPACES:
        raise InputError(f"space {space!r} is unknown{suggest(space, SPACES)}")
    at, make = latent, generator
    if space == "style":
        at = generator(latent, method="mapping")
        make = lambda style: generator(style, method="synthesis")
    shape = jax.eval_shape(make, at).shape
    noise = rng.normal(key, shape) / math.sqrt(math.prod(shape[1:3]))
    slope = jax.grad(lambda at: jnp.sum(make(at) * noise))(at)
    squared = jnp.mean(
        jnp.sum(jnp.square(slope), axis=-1), axis=tuple(range(1, slope.ndim - 1))
    )
    flat = squared == 0
    length = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squared)))
    now = parallel.mean_over_devices(jnp.mean(length))
    mean = memory["mean"] + decay * (jax.lax.stop_gradient(now) - memory["mean"])
    return weight * jnp.square(length - mean), {"mean": mean}


path_length.memory = {"mean": 0.0}
path_length.paid_by = "generator"
