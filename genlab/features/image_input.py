"""How images come to a network of features: their rounding, channels, size and range."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.images import luma
from genlab.errors import InputError
from genlab.features.resize import RESIZES

Array = jax.Array


@dataclass(frozen=True)
class ImageInput:
    """What is done to images in [0, 1] before a network sees them, in the order of the attributes.

    Attributes:
      rounded: to the 256 levels of an image file; samples then lose what a file would not keep, as
        real images have, and as public evaluators read them.
      channels: 1 or 3; gray is repeated, of colour the luminance is taken.
      size: (height, width) that all images are brought to.
      resize: how, a name of `genlab.features.resize.RESIZES`.
      low: what black becomes, one number or one for each channel.
      high: what white becomes.
    """

    size: tuple[int, int]
    channels: int = 3
    resize: str = "bilinear, antialiased"
    rounded: bool = False
    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (1.0,)

    @property
    def protocol(self) -> dict[str, Any]:
        """What a protocol says of it."""
        height, width = self.size
        ranges = ", ".join(
            f"[{low:.4g}, {high:.4g}]" for low, high in zip(self.low, self.high)
        )
        return {
            "input": f"{height} x {width}",
            "resize": self.resize,
            "channels": (
                "RGB, gray repeated" if self.channels == 3 else "luminance, ITU-R 601"
            ),
            "range": ranges,
            "rounding": "8 bits" if self.rounded else "none",
        }

    def __call__(self, images: Array) -> Array:
        """Prepares `images: [B, H, W, C] in [0, 1]`, float32, C 1 or 3.

        Raises:
          InputError: images that are neither gray nor RGB.
        """
        if images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise InputError(
                f"features see images [B, H, W, C], gray (1) or RGB (3), not {images.shape}"
            )
        if self.rounded:
            images = jnp.round(255 * jnp.clip(images, 0, 1)) / 255
        if images.shape[-1] != self.channels:
            images = (
                luma(images) if self.channels == 1 else jnp.repeat(images, 3, axis=-1)
            )
        if images.shape[1:3] != self.size:
            images = RESIZES[self.resize](images, *self.size)
        # [1, 1, 1, C or 1], since ranks are never promoted here.
        low, high = (np.float32(end)[None, None, None] for end in (self.low, self.high))
        return low + (high - low) * images
