"""Restricted Boltzmann machines as modules: where their weights come from."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.boltzmann.machine import Machine
from genlab.boltzmann.units import Bernoulli, Gaussian, Labelled, Units
from genlab.errors import InputError, suggest
from genlab.numbers import Count, NonNegative, Positive, Whole
from genlab.registry import models

Array = jax.Array
Params = dict[str, Any]

VISIBLE = ("bernoulli", "gaussian")


@models.register
class Rbm(nn.Module):
    """A layer of hidden units on visible ones, E = -a.v - b.h - v.W h; as a network, p(h|v).

    W ~ N(0, std^2), b = 0, and a such that independent visible units have the mean of the data.

    Two copies of a side have the same weights and biases, and double what the other side receives:
    so the first and the last machine of a deep one are trained.

    Attributes:
      example_shape: shape of an example, (H, W, C) or (D,).
      hidden: hidden units K.
      visible: kind of the visible units, `bernoulli` or `gaussian`.
      scale: standard deviation of Gaussian visible units given the hidden ones; v = x / scale.
      labels: units of a group after the visible ones that holds the example's class; 0 for none.
      visible_copies: 1, or 2 in the first machine of a deep one.
      hidden_copies: 1, or 2 in the last.
      std: standard deviation of the initial weights.
      example_mean: mean of the data, [*example_shape], of images in [0, 1]; None for zero biases.
      dtype: type of the computation.

    Papers: Smolensky 1986; Hinton 2012, A Practical Guide to Training Restricted Boltzmann Machines;
      labels: Hinton, Osindero & Teh 2006, Neural Comput. 18:1527-1554;
      copies: Salakhutdinov & Hinton 2009, AISTATS
    """

    example_shape: Sequence[Count]
    hidden: Count = 500
    visible: str = "bernoulli"
    scale: Positive = 1.0
    labels: Whole = 0
    visible_copies: Count = 1
    hidden_copies: Count = 1
    std: NonNegative = 0.01
    example_mean: Any = None
    dtype: Any = jnp.float32

    def units(self) -> Units:
        """Kind of the visible units, labels and copies among them.

        Raises:
          InputError: an unknown kind, or kinds that do not go together.
        """
        if self.visible not in VISIBLE:
            raise InputError(
                f"rbm.visible={self.visible!r} is unknown{suggest(self.visible, VISIBLE)}"
            )
        size = self.visible_copies * math.prod(self.example_shape)
        if self.labels:
            if self.visible == "gaussian" or self.visible_copies > 1:
                raise InputError(
                    f"rbm.labels={self.labels} go with one copy of Bernoulli visible units"
                )
            return Labelled(size, self.labels)
        return Bernoulli(size) if self.visible == "bernoulli" else Gaussian(size)

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """p(h = 1 | v) of `x: [B, ...]`: [B, K], float32; labels count as absent."""
        del train
        size = math.prod(self.example_shape) + self.labels
        shape = (size, self.hidden)
        params = {
            "kernel": self.param("kernel", nn.initializers.normal(self.std), shape),
            "visible_bias": self.param("visible_bias", self._biases, (size,)),
            "hidden_bias": self.param(
                "hidden_bias", nn.initializers.zeros_init(), shape[1:]
            ),
        }
        v = self.visible_states(x, jnp.zeros((x.shape[0], self.labels)))
        machine = self.machine(params)
        return machine.hidden.mean(machine.hidden_field(v))[:, : self.hidden]

    def machine(self, params: Params) -> Machine:
        """The machine that the parameters describe, copies written out."""
        kernel = jnp.tile(params["kernel"], (self.visible_copies, self.hidden_copies))
        return Machine(
            kernel,
            jnp.tile(params["visible_bias"], self.visible_copies),
            jnp.tile(params["hidden_bias"], self.hidden_copies),
            self.units(),
            self.dtype,
        )

    def visible_states(self, x: Array, label: Array | None = None) -> Array:
        """What the visible units are at `x: [B, ...]` and one-hot `label: [B, labels]`: [B, D].

        Raises:
          InputError: examples of another size than the machine's visible layer.
        """
        v = x.reshape(x.shape[0], -1)
        if v.shape[1] != (size := math.prod(self.example_shape)):
            raise InputError(
                f"rbm of example_shape {tuple(self.example_shape)} ({size} units) does not fit"
                f" inputs of {v.shape[1]}; set its example_shape to ({v.shape[1]},)"
            )
        if self.visible == "gaussian":
            v = v / self.scale
        v = jnp.tile(v, (1, self.visible_copies))
        return v if not self.labels else jnp.concatenate([v, label], axis=1)

    def examples(self, v: Array) -> Array:
        """The examples that visible states `v: [B, D]`, or their means, are: [B, *example_shape]."""
        x = v[:, : math.prod(self.example_shape)]
        if self.visible == "gaussian":
            x = x * self.scale
        return x.reshape(-1, *self.example_shape)

    def log_volume(self) -> Array | float:
        """log |dx / dv|, which log p(v) is above log p(x): nats; 0 for Bernoulli units."""
        if self.visible == "bernoulli":
            return 0.0
        return math.prod(self.example_shape) * jnp.log(self.scale)

    def _biases(self, key: Array, shape: tuple[int, ...]) -> Array:
        del key
        if self.example_mean is None:
            return jnp.zeros(shape)
        mean = jnp.asarray(self.example_mean, jnp.float32).reshape(-1)
        if self.visible == "gaussian":
            return mean / self.scale
        return jnp.pad(Bernoulli(mean.shape[0]).base_field(mean), (0, self.labels))
