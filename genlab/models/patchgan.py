"""PatchGAN: a discriminator that judges every patch of an image."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError
from genlab.nn.activation import leaky_relu
from genlab.nn.normed import NormedConv
from genlab.numbers import Count, Whole
from genlab.registry import models

Array = jax.Array


@models.register
class PatchDiscriminator(nn.Module):
    """A logit for every patch of an image, or of several images on top of each other.

    `layers` 4x4 convolutions of stride 2 and two of stride 1; every layer but the first and the last
    is normalised; LeakyReLU of slope 0.2. A logit looks at 70 x 70 pixels with three layers, 34 with
    two, 16 with one, 286 (the whole image, in the paper) with five. With 0 layers 1x1 convolutions
    judge each pixel alone.

    Paper: Isola et al. 2017, arXiv:1611.07004

    Attributes:
      width: channels of the first layer, doubled by each that follows, up to eight times.
      layers: convolutions of stride 2.
      norm: `batch`, `instance` or `none`.
      dtype: type of the computation.
    """

    width: Count = 64
    layers: Whole = 3
    norm: str = "batch"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, *images: Array, train: bool = False) -> Array:
        """Maps `images: [B, H, W, C] in [-1, 1]`, of one size, to logits [B, H', W'], float32.

        Raises:
          InputError: images of two sizes, or so small that no patch is left.
        """
        sizes = {image.shape[1:3] for image in images}
        if len(sizes) > 1:
            raise InputError(
                f"a patch discriminator got images of sizes {sorted(sizes)}; a pair is judged at"
                " one size, and 'pix2pix' with conditional=False looks at the output alone"
            )
        y = jnp.concatenate(images, axis=-1).astype(self.dtype)
        for i, (features, kernel, strides) in enumerate(self._plan()):
            y = NormedConv(
                features,
                kernel,
                strides,
                padding=kernel // 3,
                norm=self.norm if i else "none",
                dtype=self.dtype,
                name=f"conv_{i}",
            )(y, train=train)
            y = leaky_relu(y)
        kernel = 4 if self.layers else 1
        logits = NormedConv(
            1,
            kernel,
            padding=kernel // 3,
            norm="none",
            dtype=self.dtype,
            name="to_logit",
        )(y)
        return logits[..., 0].astype(jnp.float32)

    def _plan(self) -> list[tuple[int, int, int]]:
        """Features, kernel and stride of each layer but the last."""
        if not self.layers:
            return [(self.width, 1, 1), (2 * self.width, 1, 1)]
        widths = [self.width * min(2**i, 8) for i in range(self.layers + 1)]
        strides = [2] * self.layers + [1]
        return [
            (features, 4, stride)
            for features, stride in zip(widths, strides, strict=True)
        ]
