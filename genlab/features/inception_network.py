"""Inception-v3 as FID has it: the network of 2015 in TensorFlow, not the ones that came after.

Average pools leave out what lies beyond the edge, the last block takes a maximum where the paper and
other versions take a mean, and there are 1,008 logits. Its batch norms are part of its convolutions.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genlab.nn.convolution import Conv

Array = jax.Array

SIDE = 299
CLASSES = 1008
EPSILON = 1e-3  # of the batch norms

# A row of steps, one after another: convolutions (name, channels, kernel), with "valid" without
# padding and with "halve" of stride 2 as well; pools; and lists of rows side by side.
STEM = {
    64: (
        ("Conv2d_1a_3x3", 32, 3, "halve"),
        ("Conv2d_2a_3x3", 32, 3, "valid"),
        ("Conv2d_2b_3x3", 64, 3),
        "halve",
    ),
    192: (("Conv2d_3b_1x1", 80, 1), ("Conv2d_4a_3x3", 192, 3, "valid"), "halve"),
}


def _block_5(pool: int) -> list:
    return [
        (("branch1x1", 64, 1),),
        (("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        (
            ("branch3x3dbl_1", 64, 1),
            ("branch3x3dbl_2", 96, 3),
            ("branch3x3dbl_3", 96, 3),
        ),
        ("mean", ("branch_pool", pool, 1)),
    ]


_BLOCK_6A = [
    (("branch3x3", 384, 3, "halve"),),
    (
        ("branch3x3dbl_1", 64, 1),
        ("branch3x3dbl_2", 96, 3),
        ("branch3x3dbl_3", 96, 3, "halve"),
    ),
    ("halve",),
]


def _block_6(width: int) -> list:
    across, down = (1, 7), (7, 1)
    return [
        (("branch1x1", 192, 1),),
        (
            ("branch7x7_1", width, 1),
            ("branch7x7_2", width, across),
            ("branch7x7_3", 192, down),
        ),
        (
            ("branch7x7dbl_1", width, 1),
            ("branch7x7dbl_2", width, down),
            ("branch7x7dbl_3", width, across),
            ("branch7x7dbl_4", width, down),
            ("branch7x7dbl_5", 192, across),
        ),
        ("mean", ("branch_pool", 192, 1)),
    ]


_BLOCK_7A = [
    (("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, "halve")),
    (
        ("branch7x7x3_1", 192, 1),
        ("branch7x7x3_2", 192, (1, 7)),
        ("branch7x7x3_3", 192, (7, 1)),
        ("branch7x7x3_4", 192, 3, "halve"),
    ),
    ("halve",),
]


def _block_7(pool: str) -> list:
    def both(name: str) -> list:
        return [((f"{name}a", 384, (1, 3)),), ((f"{name}b", 384, (3, 1)),)]

    return [
        (("branch1x1", 320, 1),),
        (("branch3x3_1", 384, 1), both("branch3x3_2")),
        (
            ("branch3x3dbl_1", 448, 1),
            ("branch3x3dbl_2", 384, 3),
            both("branch3x3dbl_3"),
        ),
        (pool, ("branch_pool", 192, 1)),
    ]


BLOCKS: dict[int, dict[str, list]] = {
    768: {
        "Mixed_5b": _block_5(32),
        "Mixed_5c": _block_5(64),
        "Mixed_5d": _block_5(64),
        "Mixed_6a": _BLOCK_6A,
        "Mixed_6b": _block_6(128),
        "Mixed_6c": _block_6(160),
        "Mixed_6d": _block_6(160),
        "Mixed_6e": _block_6(192),
    },
    2048: {
        "Mixed_7a": _BLOCK_7A,
        "Mixed_7b": _block_7("mean"),
        "Mixed_7c": _block_7("max"),
    },
}

LAYERS = (*STEM, *BLOCKS)


class Inception(nn.Module):
    """The network up to the mean over the image after one of its parts.

    Attributes:
      layer: channels there, 64, 192, 768 or 2048; the last has logits after it.
      bias: whether the logits have their bias.
    """

    layer: int = 2048
    bias: bool = False

    @nn.compact
    def __call__(self, x: Array) -> tuple[Array, Array | None]:
        """Features [B, layer] and logits [B, 1008] of `x: [B, 299, 299, 3]`."""
        for width, row in STEM.items():
            x = _row(row, x, "")
            if self.layer == width:
                return x.mean((1, 2)), None
        for width, blocks in BLOCKS.items():
            for name, branches in blocks.items():
                x = _row((branches,), x, f"{name}.")
            if self.layer == width:
                break
        x = x.mean((1, 2))
        if self.layer < 2048:
            return x, None
        return x, nn.Dense(CLASSES, use_bias=self.bias, name="fc")(x)


def _row(steps: tuple, x: Array, prefix: str) -> Array:
    for step in steps:
        if isinstance(step, list):
            x = jnp.concatenate([_row(row, x, prefix) for row in step], axis=-1)
        elif isinstance(step, str):
            x = _POOLS[step](x)
        else:
            x = _convolution(x, prefix, *step)
    return x


def _convolution(
    x: Array, prefix: str, name: str, channels: int, kernel: Any, edge: str = "same"
) -> Array:
    layer = Conv(
        channels,
        kernel,
        strides=2 if edge == "halve" else 1,
        padding="SAME" if edge == "same" else "VALID",
        name=f"{prefix}{name}",
    )
    return nn.relu(layer(x))


def _mean(x: Array) -> Array:
    return nn.avg_pool(x, (3, 3), (1, 1), "SAME", count_include_pad=False)


def _max(x: Array) -> Array:
    return nn.max_pool(x, (3, 3), (1, 1), "SAME")


def _halve(x: Array) -> Array:
    return nn.max_pool(x, (3, 3), (2, 2), "VALID")


_POOLS = {"mean": _mean, "max": _max, "halve": _halve}
