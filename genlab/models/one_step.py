"""A network that sees a time, as a generator that is called once."""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.diffusion.target import both
from genlab.errors import InputError
from genlab.models.wrapper import Wrapper
from genlab.numbers import Count
from genlab.part import says
from genlab.registry import models, paths, targets

Array = jax.Array


@models.register
class OneStep(Wrapper):
    """What a diffusion's network makes of noise alone, in one step: the example that its prediction at time 1 means.

    With the parameters of a trained one it is where the finetuning of a one-step generator by an adversary
    starts; the latent is that noise. The diffusion is one without `scale_input`.

    Papers: Lin et al. 2025, arXiv:2501.08316; Xiao et al. 2022, arXiv:2112.07804

    Attributes:
      network: the network inside, such as `time_unet`.
      latent_dim: numbers in an example.
      path: a registered path, of the diffusion.
      target: a registered target, of the diffusion.
    """

    latent_dim: Count
    path: str | Mapping = "straight"
    target: str | Mapping = "velocity"

    @property
    def example_shape(self) -> Any:
        """Of the network inside."""
        return self.network.example_shape

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False, **label: Array) -> Array:
        """Maps standard normal `x: [B, Z]` to examples [B, ...], float32.

        Raises:
          InputError: Z is not the numbers of an example, or a target that says nothing of it in noise alone.
        """
        if self.latent_dim != math.prod(self.example_shape):
            raise InputError(
                f"a one-step generator makes an example of as many numbers of noise; set"
                f" experiment.latent_dim={math.prod(self.example_shape)}, not {self.latent_dim}"
            )
        path, target = paths.choose(self.path), targets.choose(self.target)
        if path.ends_in_noise and says(target, "needs_signal", False):
            raise InputError(
                f"model.generator.target={self.target!r} says nothing of an example where the path"
                f" {self.path!r} ends, in noise alone; take that of the diffusion, such as 'velocity'"
            )
        end = jnp.ones(x.shape[0])
        spread = end.reshape(-1, *(1,) * len(self.example_shape))
        levels = path.levels(spread)
        x_t = levels[1] * x.reshape(-1, *self.example_shape)
        told = self.network(x_t, path.told(end), train=train, **label)
        weights = target(*levels, *path.rates(spread))
        return both(told, x_t, weights, levels)[0]
