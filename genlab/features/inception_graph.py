"""Inception-v3 as the graph of 2015 has it: `classify_image_graph_def.pb` of inception-2015-12-05.

The file of PyTorch was made from it. Nobody publishes a checksum of it, so its weights are taken
by the one that its user names.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping

import jax

from genlab.features.inception_network import BLOCKS, EPSILON, STEM
from genlab.features.weights import Arrays, Tensors, folded

MARK = "softmax/weights"  # a constant of this graph and of none of PyTorch's files
_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def layer(
    tensors: Tensors, name: str, leaves: Mapping[str, jax.ShapeDtypeStruct]
) -> Arrays:
    """The variables of the layer that `Inception` calls `name`, of the shapes of `leaves`.

    Raises:
      InputError: one is missing or has another shape.
    """
    if name == "fc":
        called = {"kernel": MARK, "bias": "softmax/biases"}
        return {
            leaf: tensors.take(called[leaf], value.shape)
            for leaf, value in leaves.items()
        }
    scope, shape = names()[name], leaves["kernel"].shape
    parts = (tensors.take(f"{scope}/batchnorm/{part}", shape[-1:]) for part in _NORM)
    return folded(
        tensors.take(f"{scope}/conv2d_params", shape), *parts, epsilon=EPSILON
    )


@functools.cache
def names() -> dict[str, str]:
    """Of every convolution of `Inception`, by its name, the scope that it has in the graph."""
    found = dict(_of_row(itertools.chain(*STEM.values()), ""))
    blocks = itertools.chain(*(blocks.items() for blocks in BLOCKS.values()))
    for index, (block, rows) in enumerate(blocks):
        within = dict(_of_rows(rows, f"{_numbered('mixed', index)}/"))
        found |= {f"{block}.{ours}": theirs for ours, theirs in within.items()}
    return found


def _of_rows(rows: list, scope: str) -> Iterator[tuple[str, str]]:
    """Rows side by side: a convolution on its own lies in the scope, several steps in a tower."""
    alone, towers = itertools.count(), itertools.count()
    for row in rows:
        if all(isinstance(step, str) for step in row):
            continue
        if len(row) == 1:
            yield row[0][0], f"{scope}{_numbered('conv', next(alone))}"
        else:
            yield from _of_row(row, f"{scope}{_numbered('tower', next(towers))}/")


def _of_row(row, scope: str) -> Iterator[tuple[str, str]]:
    """Steps one after another; rows at the end of one are a block again."""
    count = itertools.count()
    for step in row:
        if isinstance(step, list):
            yield from _of_rows(step, f"{scope}mixed/")
        elif isinstance(step, tuple):
            yield step[0], f"{scope}{_numbered('conv', next(count))}"


def _numbered(name: str, index: int) -> str:
    return f"{name}_{index}" if index else name
