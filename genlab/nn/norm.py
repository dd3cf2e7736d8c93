"""Normalisation over the batch and over the pixels of one image."""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from genlab.errors import InputError
from genlab.game import parallel
from genlab.game.sums import spread, sums, sums_of_squares
from genlab.part import name_of

Array = jax.Array
Affine = Callable[..., Array]


class BatchNorm(nn.Module):
    """Batch normalisation with the statistics of the global batch.

    Training normalises with the batch's mean and biased variance and moves the running ones,
    in the collection `batch_stats`, by `running = momentum * running + (1 - momentum) * batch`.
    Otherwise the running ones are used. Statistics are float32 whatever the computation.

    Paper: Ioffe and Szegedy 2015, arXiv:1502.03167

    Attributes:
      momentum: share of the running statistics that is kept at a step, in [0, 1].
      epsilon: added to the variance.
      use_scale, use_bias: whether the result is scaled and shifted per channel.
      scale_init, bias_init: initializers of `scale` and `bias`, both [C].
      dtype: type of the result; None means that of the input.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    use_scale: bool = True
    use_bias: bool = True
    scale_init: nn.initializers.Initializer = nn.initializers.ones_init()
    bias_init: nn.initializers.Initializer = nn.initializers.zeros_init()
    dtype: Any = None

    @nn.compact
    def __call__(
        self,
        x: Array,
        *,
        train: bool = False,
        affine: Affine | None = None,
        statistics: tuple[Array, Array] | None = None,
    ) -> Array:
        """Normalises each channel of `x: [B, ..., C]` over all other axes.

        With `train` the collection `batch_stats` must be mutable. `affine(name, init, (C,))` makes
        `scale` and `bias`, [C] or [B, C], in the place of the layer's own. `statistics`, mean and variance, [C] or
        [B, C], take the place of those of the batch and of the running ones, which rest.
        """
        if statistics is not None:
            return normalized(self, x, *statistics, affine)
        channels = x.shape[-1:]
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels)
        running_var = self.variable("batch_stats", "var", jnp.ones, channels)
        if train:
            mean, variance = batch_statistics(x)
            if not self.is_initializing():
                for running, batch in ((running_mean, mean), (running_var, variance)):
                    batch = lax.stop_gradient(batch)
                    running.value += (1 - self.momentum) * (batch - running.value)
        else:
            mean, variance = running_mean.value, running_var.value
        return normalized(self, x, mean, variance, affine)


class InstanceNorm(nn.Module):
    """Normalisation of each channel of each image over its pixels.

    Paper: Ulyanov et al. 2016, arXiv:1607.08022

    Attributes:
      epsilon: added to the variance.
      affine: whether the result is scaled and shifted per channel.
      scale_init, bias_init: initializers of `scale` and `bias`, both [C].
      dtype: type of the result; None means that of the input.
    """

    epsilon: float = 1e-5
    affine: bool = True
    scale_init: nn.initializers.Initializer = nn.initializers.ones_init()
    bias_init: nn.initializers.Initializer = nn.initializers.zeros_init()
    dtype: Any = None

    @property
    def use_scale(self) -> bool:
        return self.affine

    @property
    def use_bias(self) -> bool:
        return self.affine

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Normalises `x: [B, ..., C]` over the axes between the first and the last."""
        wide, pixels = x.astype(jnp.float32), math.prod(x.shape[1:-1])
        mean = sums(wide) / pixels
        variance = sums_of_squares(wide - spread(mean, x.shape)) / pixels
        return normalized(self, x, mean, variance)


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """Mean and biased variance per channel of the global batch, both `[C]` float32."""
    wide, pixels = x.astype(jnp.float32), math.prod(x.shape[1:-1])
    # A square summed as it is read needs no copy of the centred activations, and one reduction
    # over devices serves both sums. It costs (mean / deviation)^2 rounding errors: at a mean of
    # 30 deviations, which no layer without a large bias has, the variance is right to 1e-4.
    mean, square = parallel.mean_over_devices(
        (sums(wide).mean(0) / pixels, sums_of_squares(wide).mean(0) / pixels)
    )
    return mean, jnp.maximum(square - jnp.square(mean), 0.0)


@contextlib.contextmanager
def replacing_batch_norms(
    replace: Callable[..., Array], inside: nn.Module
) -> Iterator[None]:
    """Inside, `replace(layer, call, x, train=...)` is what every `BatchNorm` that is called makes.

    Args:
      replace: `call` is the layer's own, `call(x, train=..., affine=...)`.
      inside: the network that is called, for the message.

    Raises:
      InputError: none was called.
    """
    seen = []

    def intercept(
        call: Callable,
        arguments: tuple,
        named: dict[str, Any],
        context: nn.module.InterceptorContext,
    ) -> Any:
        layer = context.module
        if not isinstance(layer, BatchNorm) or context.method_name != "__call__":
            return call(*arguments, **named)
        seen.append(layer)
        return replace(layer, call, *arguments, **named)

    with nn.intercept_methods(intercept):
        yield
    if not seen:
        raise InputError(
            f"{name_of(inside)!r} has no batch normalisation that another could replace; take a"
            " network with it, such as 'dcgan_generator'"
        )


def normalized(
    layer: nn.Module,
    x: Array,
    mean: Array,
    variance: Array,
    affine: Affine | None = None,
) -> Array:
    """`(x - mean) / deviation * scale + bias` as one multiply-add per element.

    Args:
      layer: says whether there are scale and bias, and has them where `affine` does not.
      x: [B, ..., C].
      mean: [C] or [B, C].
      variance: of the same shape.
      affine: as `BatchNorm` takes it.
    """
    affine = affine or layer.param
    factor = _of_images(lax.rsqrt(variance + layer.epsilon))
    if layer.use_scale:
        factor = factor * _of_images(affine("scale", layer.scale_init, x.shape[-1:]))
    offset = -_of_images(mean) * factor
    if layer.use_bias:
        offset = offset + _of_images(affine("bias", layer.bias_init, x.shape[-1:]))
    shape = (x.shape[0], x.shape[-1])
    factor, offset = (
        spread(jnp.broadcast_to(values, shape), x.shape) for values in (factor, offset)
    )
    return (x * factor + offset).astype(layer.dtype or x.dtype)


def _of_images(values: Array) -> Array:
    """`[C]` as `[1, C]`; `[B, C]` as it is."""
    return jnp.atleast_2d(values)
