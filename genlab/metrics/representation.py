"""Codes of a model as features of a classifier, beside what needs no trained model."""

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genlab.errors import InputError
from genlab.metrics.measurement import Measurement, means_of
from genlab.trained.encoding import in_chunks as chunked
from genlab.trained.encoding import untrained
from genlab.trained.trained import Trained

SCALINGS = {
    "all": "one scale for all features together",
    "each": "a scale for each",
    "none": "as they are",
}
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)  # of a linear probe
CHOSEN_ON = "a fifth of each class of the fitted examples"


@dataclass(frozen=True)
class Representations:
    """Features of the same examples by name: `codes`, `raw`, `pca`, `untrained`.

    Attributes:
      train: name -> [N, F] floats.
      train_label: [N] int.
      test: name -> [M, F] floats.
      test_label: [M] int.
    """

    train: dict[str, np.ndarray]
    train_label: np.ndarray
    test: dict[str, np.ndarray]
    test_label: np.ndarray


def representations(
    trained: Trained, split: str, *, num_train: int, num_test: int
) -> Representations:
    """Examples as the model's codes, as they are, as PCA of equal size, by an untrained encoder.

    Args:
      trained: the model.
      split: where the tested examples come from; those of a class that is not among the fitted
        ones are left out, since no classifier could name it.
      num_train: examples of the train split, an even spread; PCA is of them.
      num_test: examples of `split`, an even spread.

    Raises:
      InputError: no `encode`, no labels, fewer than two classes to tell apart, or no example of one
        of them to test.
    """
    from sklearn.decomposition import PCA

    if not trained.data.num_classes:
        raise InputError(
            f"a probe needs labels, which {trained.data.name!r} does not have"
        )
    train, test = (
        trained.examples("train", num_train),
        trained.examples(split, num_test),
    )
    if len(np.unique(train["label"])) < 2:
        raise InputError(
            f"the {len(train['label'])} examples taken of the train split are of one class;"
            " take more with num_train"
        )
    known = np.isin(test["label"], train["label"])
    if not known.any():
        raise InputError(
            f"the {len(known)} examples taken of {split!r} are of classes that the fitted ones do"
            " not have; take more with num_train or num_test"
        )
    test = {name: leaf[known] for name, leaf in test.items()}
    codes = [_flat(in_chunks(trained, "encode", part["x"])) for part in (train, test)]
    raw = [_flat(part["x"]) for part in (train, test)]
    pca = PCA(min(codes[0].shape[1], *raw[0].shape), random_state=0).fit(raw[0])
    fresh = untrained(trained, train, test, layers=False)
    features = {
        "codes": codes,
        "raw": raw,
        "pca": [pca.transform(part) for part in raw],
        "untrained": [_flat(part["codes"]) for part in fresh],
    }
    return Representations(
        {name: parts[0] for name, parts in features.items()},
        train["label"],
        {name: parts[1] for name, parts in features.items()},
        test["label"],
    )


def compare(
    seen: Representations,
    classifier: Callable[[Any], Any],
    grid: Sequence[Any],
    *,
    standardize: bool,
) -> Measurement:
    """Accuracy of a kind of classifier on each of the representations, chosen and fitted for each.

    A value of the grid, and where features are scaled, of the ways of SCALINGS, is chosen by the
    accuracy on a fifth of the fitted examples, by a classifier of the other four fifths; the tested
    examples take no part in it.

    Args:
      seen: the examples.
      classifier: value of the grid -> an unfitted scikit-learn classifier.
      grid: values to choose from, in order; of several that are equally good the middle one is taken.
      standardize: whether features are scaled to mean 0 and variance 1 over the fitted examples.

    Returns:
      `accuracy_NAME` in [0, 1] and `gain_over_NAME`, that of the codes less that of the others, on
      the same examples; with the classifier, the choice, the counts and the sizes as protocol.
    """
    found = {
        name: tuned(
            classifier,
            grid,
            in_ways(seen.train[name], seen.test[name], standardize=standardize),
            seen.train_label,
        )
        for name in seen.train
    }
    right = {name: one.predicted == seen.test_label for name, one in found.items()}
    scores = {f"accuracy_{name}": hits for name, hits in right.items()}
    for name in [name for name in right if name != "codes"]:
        gain = right["codes"].astype(float) - right[name]
        scores[f"gain_over_{name}"] = gain
    values, intervals = means_of(scores)
    protocol = {
        "classifier": repr(classifier(grid[0])),
        "chosen_from": list(grid),
        "chosen": {name: one.value for name, one in found.items()},
        "chosen_on": CHOSEN_ON,
        "chosen_at_an_end": [name for name, one in found.items() if one.at_an_end],
        "scaling": {name: one.scaling for name, one in found.items()},
        "fitted_on": len(seen.train_label),
        "classes_fitted": len(np.unique(seen.train_label)),
        "tested_on": len(seen.test_label),
        "features": {name: part.shape[1] for name, part in seen.train.items()},
        "not_converged": [name for name, one in found.items() if not one.converged],
    }
    return Measurement(values, protocol, intervals)


def in_ways(
    train: np.ndarray, test: np.ndarray, *, standardize: bool
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Features `train: [N, F]` and `test: [M, F]` in each way of scaling that there is to choose from.

    By `all` together they keep their proportions, as principal components do, whose last are mostly
    noise; by `each`, numbers of unlike units count alike. Both are over all of `train`: labels take no
    part in it.

    Args:
      train: what means and deviations are of.
      test: what is scaled by them.
      standardize: whether there is a choice; `none` leaves them as they are.
    """
    from sklearn.preprocessing import StandardScaler

    if not standardize:
        return {"none": (train, test)}
    scaler = StandardScaler().fit(train)
    whole = float(np.sqrt(scaler.var_.mean())) or 1.0
    scales = {"all": whole, "each": scaler.scale_}
    scaled = lambda part, by: ((part - scaler.mean_) / by).astype(train.dtype)
    return {way: (scaled(train, by), scaled(test, by)) for way, by in scales.items()}


@dataclass(frozen=True)
class Tuned:
    """What a classifier says, and what was chosen for it.

    Attributes:
      predicted: the class of each tested example: [M].
      value: of the grid.
      scaling: the way its features were scaled.
      at_an_end: whether the value is the first or the last of three or more.
      converged: whether it took fewer steps than it may.
    """

    predicted: np.ndarray
    value: Any
    scaling: str
    at_an_end: bool
    converged: bool


def tuned(
    classifier: Callable[[Any], Any],
    grid: Sequence[Any],
    ways: Mapping[str, tuple[np.ndarray, np.ndarray]],
    label: np.ndarray,
    rows: Any = slice(None),
) -> Tuned:
    """A classifier fitted to examples as `choice` likes it best.

    Args:
      classifier: value of the grid -> an unfitted scikit-learn classifier.
      grid: values to choose from.
      ways: as of `in_ways`.
      label: [N], of all training examples.
      rows: which of these have a label that may be read.
    """
    train = {way: part[rows] for way, (part, _) in ways.items()}
    way, value = choice(classifier, grid, train, label[rows])
    model = _fitted(classifier(value), train[way], label[rows])
    limit = model.get_params().get("max_iter")
    return Tuned(
        model.predict(ways[way][1]),
        value,
        way,
        len(grid) > 2 and value in (grid[0], grid[-1]),
        limit is None or bool(np.max(model.n_iter_) < limit),
    )


def choice(
    classifier: Callable[[Any], Any],
    grid: Sequence[Any],
    ways: Mapping[str, np.ndarray],
    label: np.ndarray,
) -> tuple[str, Any]:
    """The features `[N, F]`, by name, and the value of the grid that do best on a fifth of each class, by a
    classifier of the other four fifths; of several that are equally good, as all are where there is
    nothing to hold out, the first features and the middle value."""
    held = _a_fifth_of_each(label)
    options = [(way, value) for way in ways for value in grid]
    if len(options) > 1 and held.any() and len(np.unique(label[~held])) > 1:

        def accuracy(way: str, value: Any) -> float:
            model = _fitted(classifier(value), ways[way][~held], label[~held])
            return float(np.mean(model.predict(ways[way][held]) == label[held]))

        found = [accuracy(*option) for option in options]
        options = [o for o, a in zip(options, found, strict=True) if a == max(found)]
    best = [value for way, value in options if way == options[0][0]]
    return options[0][0], best[len(best) // 2]


def check_grid(**grid: Sequence[Any]) -> None:
    """Raises InputError where a knob leaves nothing to choose from."""
    for name, values in grid.items():
        if not values:
            raise InputError(
                f"{name}=() leaves nothing to choose from; name one or more"
            )


def _a_fifth_of_each(label: np.ndarray) -> np.ndarray:
    """A fifth of each class, drawn: [N] bool. Places in the order of the examples would not do, since
    an even spread of a sorted source takes its classes in turns."""
    generator, held = np.random.default_rng(0), np.zeros(len(label), bool)
    for one in np.unique(label):
        rows = generator.permutation(np.flatnonzero(label == one))
        held[rows[: len(rows) // 5]] = True
    return held


def _fitted(model: Any, features: np.ndarray, label: np.ndarray) -> Any:
    """The classifier fitted to `features: [N, F]` and `label: [N]`.

    In one thread of BLAS: the same to the bit with any number of cores, and products this small are no
    quicker in several, which wait for each other for minutes where a core has much else to do.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # The protocol says which did not converge, so that it is not lost in a log.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(features, label)


def in_chunks(trained: Trained, method: str, *arrays: np.ndarray) -> np.ndarray:
    """A method of the model on arrays `[N, ...]`, a chunk at a time, so that memory is bounded.

    Raises:
      InputError: the experiment has no such method.
    """
    return chunked(functools.partial(trained.call, method), *arrays)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)
