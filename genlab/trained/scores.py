"""What a family measures of examples by itself, such as its loss: `measure` of an experiment."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.feed import batches
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.turn import Draw
from genlab.part import name_of
from genlab.trained.helpers import Pieces, View, made


def scores_of(trained: View, split: str, batch_size: int) -> dict[str, np.ndarray]:
    """What the family measures of every example of a split, by name: [N] each."""
    parts: dict[str, list[np.ndarray]] = {}
    for values, mask in made(trained, of_batches, split=split, batch_size=batch_size):
        for name, value in values.items():
            parts.setdefault(name, []).append(value[mask])
    return {name: np.concatenate(chunks) for name, chunks in parts.items()}


def of_batches(trained: View, *, split: str, batch_size: int) -> Pieces:
    """The values of a batch in each piece, by name, and which of its examples count, `[batch_size]` each."""
    examples = trained.data.splits[split]
    compiled = trained.compile("measure", _measured)

    def make(only: Iterable[int]) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        parts = zip(only, batches(examples, batch_size, only), strict=True)
        for index, (raw, mask) in parts:
            batch = trained.prepared(split, raw, index)
            root = rng.stream(trained.seed, f"measure/{split}", index)
            step = np.int32(trained.step)
            values = compiled(trained.params, trained.extra, batch, root, step, mask)
            yield jax.device_get(values), mask

    return Pieces(-(-examples.size // batch_size), make)


def _measured(experiment, params, extra, batch, root, step, mask):
    """All that the family measures of a batch, a number for each example: [B] each."""
    draw = Draw(batch, root, step)
    values = experiment.measure(params, extra, draw)
    what = f"measure of experiment {name_of(experiment)!r}"
    if not isinstance(values, Mapping):
        raise InputError(f"{what} returned a {type(values).__name__}, not a dict")
    for name, value in values.items():
        _check(f"{what}, {name!r},", value, len(mask))
    return dict(values)


def _check(what: str, value: Any, count: int) -> None:
    """Raises InputError for what is no array of a float or a bool of each example: a number of the whole batch has no
    interval over examples."""
    shape, kind = getattr(value, "shape", None), getattr(value, "dtype", None)
    numbers = kind is not None and (kind == bool or jnp.issubdtype(kind, jnp.floating))
    if not numbers or shape != (count,):
        told = f"a {type(value).__name__}" if kind is None else f"{kind}{list(shape)}"
        raise InputError(
            f"{what} is {told}; it must be a number of each example, [B={count}] floats, or bools of which the"
            " mean is a share"
        )
