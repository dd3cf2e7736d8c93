"""Whether a translation keeps what it should, by the exact factors of the data."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError, suggest
from genlab.game.experiment import Experiment
from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.translations import (
    Translations,
    as_guesses,
    to_unit,
    translate_split,
)
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("translate")
def factor_agreement(
    trained: Trained, split: str, *, factor: str = "shape", num: Count = 1000
) -> Measurement:
    """Share of outputs that show the right value of a factor, drawn as the second domain draws it.

    Candidates are all values of the factor, the others kept, as each of the two domains draws them;
    the one with the least squared difference from the output is what the output shows. An input
    given back as it is shows the first domain, which is wrong wherever the domains differ.

    Args:
      trained: the model.
      split: where the inputs come from.
      factor: name of the factor.
      num: inputs, an even spread over the split.

    Returns:
      `accuracy` in [0, 1], and the same of the inputs as they are with `_input` (or `_nearest` and
      `_bicubic`); `chance` is one over the number of values.

    Raises:
      InputError: the experiment does not translate; the data set cannot render factors, or has no
        such factor.
    """
    data = trained.data
    _check(trained.experiment, data, factor=factor)
    found = translate_split(trained, split, num=num)
    guesses = found.guesses()
    right = _agreement(trained, found, guesses, list(data.factors).index(factor))
    values, intervals = means_of(
        {f"accuracy{name}": each for name, each in right.items()}
    )
    protocol = {
        **found.protocol,
        "factor": factor,
        "candidates": "every value as both domains draw it",
    }
    values["chance"] = 1 / data.factors[factor]
    return Measurement(values, protocol, intervals)


def _agreement(
    trained: Trained, found: Translations, guesses: dict[str, np.ndarray], place: int
) -> dict[str, np.ndarray]:
    """Whether each guess is closest to the true target, [N], for the factor at `place`."""
    count = list(trained.data.factors.values())[place]
    render = jax.jit(trained.data.render)
    targets = {name: [] for name in guesses}  # squared errors [N] for each value
    inputs = {name: [] for name in guesses}
    for value in range(count):
        factors = found.factors.copy()
        factors[:, place] = value
        target = np.asarray(render(jnp.asarray(factors)), np.float32) / 255
        first = as_guesses(_first_domain(trained, found, factors), target.shape)
        for name, guess in guesses.items():
            targets[name].append(_squared(guess, target))
            inputs[name] += [_squared(guess, drawn) for drawn in first.values()]
    true, rows = found.factors[:, place], np.arange(len(found.factors))
    right = {}
    for name in guesses:
        errors = np.stack(targets[name])
        agrees = np.argmin(errors, axis=0) == true
        agrees &= errors[true, rows] <= np.min(inputs[name], axis=0)
        right[name] = agrees
    return right


def _first_domain(
    trained: Trained, found: Translations, factors: np.ndarray
) -> np.ndarray:
    """What the first domain draws for `factors: [N, F]`: [N, h, w, C'] in [0, 1].

    Data sets render their second domain alone; the first is looked up among the examples of all
    splits. Where a combination is not there, since some were left out, the input itself remains.
    """
    data = trained.data
    rows_of = trained.once(("rows by factors",), lambda: _rows_by_factors(data))
    changed = (factors != found.factors).any(axis=1)
    drawn = found.x.copy()
    for split, rows in rows_of.items():
        wanted = rows[tuple(factors.T)]
        held = changed & (wanted >= 0)
        if held.any():
            examples = trained.examples_at(split, wanted[held])
            drawn[held] = to_unit(trained, examples["x"])
    return drawn


def _rows_by_factors(data: Dataset) -> dict[str, np.ndarray]:
    """For each split the row of the example with given factors, -1 where it has none: int32, an
    axis for each factor."""
    found = {}
    for name, split in data.splits.items():
        rows = np.arange(split.size, dtype=np.int32)
        found[name] = np.full(tuple(data.factors.values()), -1, np.int32)
        if split.size:
            # Compiled, since only then are the images of these examples not drawn.
            look = jax.jit(lambda *where, split=split: split.lookup(*where)["factors"])
            factors = np.asarray(look(split.resident(), rows))
            found[name][tuple(factors.T)] = rows
    return found


def _squared(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.square(images - others).mean((1, 2, 3))


def _check(experiment: Experiment, data: Dataset, *, factor: str, **knobs: Any) -> None:
    del experiment, knobs
    if data.render is None or not data.factors:
        raise InputError(
            f"metric 'factor_agreement' needs a data set with factors to render, as"
            f" 'shape_pairs'; {data.name!r} has none"
        )
    if factor not in data.factors:
        raise InputError(
            f"{data.name!r} has no factor {factor!r}{suggest(factor, data.factors)}"
        )


factor_agreement.check = _check
