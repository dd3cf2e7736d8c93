"""Codes of any trained model, and what each of its encoder's layers sees."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.core.tracers import current_trace

from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Array, Experiment, PyTree
from genlab.part import name_of
from genlab.trained.needs import shapes_of
from genlab.trained.trained import Trained

METHODS = ("encode", "features")
CELLS = 4  # along a side of a layer's maps
CHUNK = 500  # examples that pass through a network at a time


def encoding(trained: Trained) -> str:
    """The method that makes codes of examples: `encode`, or `features` of a classifier or a discriminator.

    Raises:
      InputError: the family has neither, or its network cannot.
    """
    for method in METHODS:
        if trained.has(method):
            return method
    family = name_of(trained.experiment)
    raise InputError(
        f"experiment {family!r} has no encoder: a probe needs one of {' and '.join(METHODS)}"
    )


def check_encoding(trained: Trained) -> None:
    """Raises InputError where a model makes no code of an example that a probe could read."""
    method = encoding(trained)
    found = shapes_of(trained.experiment, trained.data, method)
    if not hasattr(found, "shape"):
        family = name_of(trained.experiment)
        raise InputError(f"{method} of experiment {family!r} makes no array of codes")


def encoded(
    trained: Trained, batch: dict[str, np.ndarray], *, layers: bool
) -> dict[str, np.ndarray]:
    """`codes: [N, Z]` of examples, and of each layer `layer I: [N, F]` float32.

    Args:
      trained: the model.
      batch: examples `x: [N, ...]`.
      layers: whether to look at the layers as well.
    """
    return _looked(trained, (trained.params, trained.extra), batch["x"], layers)


def untrained(
    trained: Trained, *batches: dict[str, np.ndarray], layers: bool
) -> list[dict[str, np.ndarray]]:
    """The same of each batch by the same encoder, its parameters drawn anew from the run's seed."""
    drawn = drawn_anew(trained, batches[0])
    return [_looked(trained, drawn, batch["x"], layers) for batch in batches]


def drawn_anew(trained: Trained, batch: dict[str, np.ndarray]) -> tuple[PyTree, PyTree]:
    """Parameters and further variables of the model from the run's seed, before its first round; `batch` gives
    shapes."""
    few = {name: leaf[:2] for name, leaf in batch.items()}
    draw = trained.compile("untrained", _fresh)
    return draw(rng.stream(trained.seed, "untrained"), few)


def _fresh(
    experiment: Experiment, key: Array, batch: dict[str, Array]
) -> tuple[PyTree, PyTree]:
    """Parameters and further variables as a run has them before its first round."""
    params, extra = experiment.init(key, batch)
    return params, {**extra, **experiment.followers(params)}


def in_chunks(function: Callable[..., PyTree], *arrays: np.ndarray) -> PyTree:
    """What a function makes of arrays `[N, ...]`, a chunk at a time, so that memory is bounded."""
    parts = [
        jax.device_get(function(*(array[start : start + CHUNK] for array in arrays)))
        for start in range(0, len(arrays[0]), CHUNK)
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _looked(
    trained: Trained, variables: tuple[PyTree, PyTree], x: np.ndarray, layers: bool
) -> dict[str, np.ndarray]:
    looker = _looker(encoding(trained), layers)
    look = trained.compile(f"probe, layers {layers}", looker)
    return in_chunks(functools.partial(look, *variables), x)


def _looker(method: str, layers: bool):
    def look(
        experiment: Experiment, params: PyTree, extra: PyTree, x: Array
    ) -> dict[str, Array]:
        make = lambda: getattr(experiment, method)(params, extra, x)
        code, seen = watched(make, len(x)) if layers else (make(), [])
        found = {f"layer {index + 1}": _pooled(y) for index, y in enumerate(seen)}
        return {"codes": code.reshape(len(x), -1), **found}

    return look


def watched(make, count: int) -> tuple[Array, list[Array]]:
    """What `make()` returns, and what each of its layers with a kernel sees of `count` examples, the first
    left out, which sees the example: the outputs of all layers below the code, behind norm and
    activation. What a loop's body sees, as of a recurrent cell, is passed over: it is there in the loop
    alone."""
    seen: list[Array | None] = []
    outside = current_trace()

    def look(call, arguments, named, context):
        weighted = context.module.has_variable("params", "kernel")
        shown = arguments[0] if arguments else None
        if (
            weighted
            and context.method_name == "__call__"
            and getattr(shown, "shape", ())[:1] == (count,)
            and all(shown is not one for one in seen)
        ):
            seen.append(shown if current_trace() == outside else None)
        return call(*arguments, **named)

    with nn.intercept_methods(look):
        code = make()
    return code, [y for y in seen[1:] if y is not None]


def _pooled(y: Array) -> Array:
    """Maps `[B, h, w, c]` as means over at most CELLS x CELLS cells, all else flat: [B, F] float32."""
    y = y.astype(jnp.float32)
    if y.ndim == 4:
        for axis in (1, 2):
            weights = _cells(y.shape[axis])
            y = jnp.moveaxis(jnp.tensordot(weights, y, (1, axis)), 0, axis)
    return y.reshape(y.shape[0], -1)


def _cells(size: int) -> np.ndarray:
    """Weights `[cells, size]` of means over cells as even as whole pixels allow."""
    cells = min(CELLS, size)
    edges = np.arange(cells + 1) * size / cells
    first, last = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
    rows = [
        np.isin(np.arange(size), range(a, b)) for a, b in zip(first, last, strict=True)
    ]
    return np.float32([row / row.sum() for row in rows])
