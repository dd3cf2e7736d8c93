"""Deep Boltzmann machines as modules."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.boltzmann.machine import Machine
from genlab.boltzmann.mean_field import mean_field
from genlab.boltzmann.units import Bernoulli
from genlab.errors import InputError
from genlab.numbers import Count, NonNegative
from genlab.registry import models

Array = jax.Array
Params = dict[str, Any]


@models.register
class Dbm(nn.Module):
    """Layers of Bernoulli units, each connected with the next: E = -sum a_l.h_l - sum h_l.W_l h_l+1.

    Odd layers are independent given the even ones, and the other way round, so that it is one
    machine of two sides: the odd layers its visible side, example and even layers its hidden one.

    Attributes:
      example_shape: shape of an example, (H, W, C) or (D,).
      widths: units of each hidden layer, two or more layers.
      std: standard deviation of the initial weights.
      example_mean: mean of the data, [*example_shape]; None for zero biases.
      dtype: type of the computation.

    Paper: Salakhutdinov & Hinton 2009, AISTATS
    """

    example_shape: Sequence[Count]
    widths: Sequence[Count]
    std: NonNegative = 0.01
    example_mean: Any = None
    dtype: Any = jnp.float32

    @property
    def sizes(self) -> list[int]:
        """Units of every layer, the example first."""
        return [math.prod(self.example_shape), *self.widths]

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Means of all hidden units after one mean-field sweep: [B, sum(widths)] of `x: [B, ...]`."""
        del train
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise InputError(
                f"dbm.widths={tuple(self.widths)}: take two hidden layers or more, each of 1 unit"
                " or more; one hidden layer is an 'rbm'"
            )
        sizes = self.sizes
        normal, zeros = nn.initializers.normal(self.std), nn.initializers.zeros_init()
        params = {"visible_bias": self.param("visible_bias", self._biases, sizes[:1])}
        for index, shape in enumerate(itertools.pairwise(sizes)):
            name = f"kernel_{index}"
            params[name] = self.param(name, normal, shape)
            name = f"hidden_bias_{index}"
            params[name] = self.param(name, zeros, shape[1:])
        logits = self.posterior(params, x, count=1)
        return jax.nn.sigmoid(jnp.concatenate(logits, axis=1))

    def machine(self, params: Params) -> Machine:
        """Odd layers on the visible side, even layers on the hidden one."""
        sizes, odd, even = self.sizes, *self._sides()
        blocks = [[jnp.zeros((sizes[i], sizes[j])) for j in even] for i in odd]
        for index in range(len(self.widths)):
            kernel = params[f"kernel_{index}"]
            lower, upper = index, index + 1
            if lower in odd:
                blocks[odd.index(lower)][even.index(upper)] = kernel
            else:
                blocks[odd.index(upper)][even.index(lower)] = kernel.T
        biases = [params["visible_bias"]]
        biases += [params[f"hidden_bias_{index}"] for index in range(len(self.widths))]
        sides = [jnp.concatenate([biases[i] for i in side]) for side in (odd, even)]
        units = Bernoulli(sides[0].shape[0])
        return Machine(jnp.block(blocks), *sides, units, self.dtype)

    def posterior(self, params: Params, x: Array, *, count: int) -> tuple[Array, Array]:
        """Mean-field logits of the odd layers, and of the even ones above the example.

        They start at a pass upwards in which every layer but the last has its input doubled, for
        the layer above that is not known yet.

        Args:
          params: of this module.
          x: [B, ...] in [0, 1].
          count: sweeps.
        """
        mean = x.reshape(x.shape[0], -1)
        layers = [mean]
        for index in range(len(self.widths)):
            last = index == len(self.widths) - 1
            field = (1 if last else 2) * self._product(mean, params[f"kernel_{index}"])
            mean = jax.nn.sigmoid(field + params[f"hidden_bias_{index}"][None])
            layers.append(mean)
        upper = [layers[index] for index in self._sides()[1][1:]]
        upper = jnp.concatenate(upper, axis=1)
        return mean_field(self.machine(params), layers[0], upper, count=count)

    def layers(self, odd: Array, even: Array) -> list[Array]:
        """Hidden layers in their order from odd and even ones, [B, N] each."""
        sides, places = self._sides(), {}
        for states, side in ((odd, sides[0]), (even, sides[1][1:])):
            ends = [sum(self.sizes[i] for i in side[: k + 1]) for k in range(len(side))]
            for layer, end in zip(side, ends, strict=True):
                places[layer] = states[:, end - self.sizes[layer] : end]
        return [places[index + 1] for index in range(len(self.widths))]

    def _sides(self) -> tuple[list[int], list[int]]:
        count = len(self.widths) + 1
        return list(range(1, count, 2)), list(range(0, count, 2))

    def _product(self, states: Array, kernel: Array) -> Array:
        return jnp.matmul(
            states.astype(self.dtype),
            kernel.astype(self.dtype),
            preferred_element_type=jnp.float32,
        )

    def _biases(self, key: Array, shape: Sequence[int]) -> Array:
        del key
        if self.example_mean is None:
            return jnp.zeros(shape)
        mean = jnp.asarray(self.example_mean, jnp.float32).reshape(-1)
        return Bernoulli(mean.shape[0]).base_field(mean)
