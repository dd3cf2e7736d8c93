"""A convolution and the normalisation that follows it, chosen by name."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.nn.convolution import Conv, ConvTranspose
from genlab.nn.norm import BatchNorm, InstanceNorm
from genlab.nn.resample import DOUBLINGS, check_upsampling

Array = jax.Array

NORMS = {"batch": BatchNorm, "instance": InstanceNorm, "none": None}

weights = nn.initializers.normal(0.02)


class NormedConv(nn.Module):
    """A convolution, or one that doubles the image, then batch, instance or no normalisation.

    Attributes:
      features: channels of the result.
      kernel_size: side of the kernel.
      strides: of a convolution that does not double.
      padding: as `Conv` takes it.
      norm: `batch`, `instance` (without affine) or `none`.
      upsampling: "" for none; `transposed` doubles by a transposed convolution; `resize` repeats
        each pixel twice, `bilinear` interpolates, and a 3x3 kernel follows, which leave no
        checkerboard.
      use_bias: whether there is a bias where `norm` is `none`. Before `batch` there never is one;
        before `instance` it is always declared, and not added.
      dtype: type of the computation.

    Paper: resize: Odena et al. 2016, Distill, doi:10.23915/distill.00003
    """

    features: int
    kernel_size: int
    strides: int = 1
    padding: Any = "SAME"
    norm: str = "batch"
    upsampling: str = ""
    use_bias: bool = True
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """`x: [B, H, W, C]` to `[B, H', W', features]`.

        Raises:
          InputError: an unknown norm or upsampling.
        """
        if self.norm not in NORMS:
            raise InputError(
                f"norm {self.norm!r} is unknown{suggest(self.norm, NORMS)}"
            )
        y = self._convolve(x)
        if self.norm == "instance":
            # Declared and not added, so that parameters match the published networks by name and
            # number: the norm takes a constant away again, and the gradient of one would be
            # rounding noise that Adam enlarges to full steps.
            self.param("bias", nn.initializers.zeros_init(), (self.features,))
            return InstanceNorm(affine=False, name="norm")(y)
        if self.norm == "batch":
            return BatchNorm(scale_init=_near_one, name="norm")(y, train=train)
        return y

    def _convolve(self, x: Array) -> Array:
        options = dict(
            use_bias=self.use_bias and self.norm == "none",
            dtype=self.dtype,
            kernel_init=weights,
            name="conv",
        )
        if not self.upsampling:
            return Conv(
                self.features, self.kernel_size, self.strides, self.padding, **options
            )(x)
        check_upsampling(self.upsampling)
        if self.upsampling == "transposed":
            return ConvTranspose(self.features, self.kernel_size, 2, **options)(x)
        doubled = DOUBLINGS[self.upsampling](x)
        return Conv(self.features, 3, **options)(doubled)


def _near_one(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)
