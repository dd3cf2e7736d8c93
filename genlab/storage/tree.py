"""A tree of arrays as arrays by name, and back."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from genlab.errors import InputError

PyTree = Any


def flatten(tree: PyTree) -> dict[str, Any]:
    """Leaves by their path in the tree, `params/generator/generator/dense_0/kernel`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in leaves
    }


def fitted(path: Path, found: dict[str, np.ndarray], template: PyTree) -> PyTree:
    """Arrays by name in the structure of a template, whose shapes and types they have.

    Args:
      path: the checkpoint that they are of, for messages.
      found: by the names of `flatten`.
      template: a tree.

    Raises:
      InputError: names the first leaf that does not fit.
    """
    expected = flatten(template)
    for name in sorted(set(expected) ^ set(found)):
        holder = "the model" if name in expected else "the checkpoint"
        raise InputError(f"checkpoint {path} does not fit: only {holder} has {name!r}")
    for name, leaf in expected.items():
        array = found[name]
        if (array.shape, array.dtype) != (leaf.shape, leaf.dtype):
            raise InputError(
                f"checkpoint {path} does not fit: {name!r} is {array.dtype}{list(array.shape)},"
                f" the model has {leaf.dtype}{list(leaf.shape)}"
            )
    return jax.tree.unflatten(
        jax.tree.structure(template), [found[name] for name in expected]
    )
