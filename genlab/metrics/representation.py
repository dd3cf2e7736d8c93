"""Codes of a model as features of a classifier, beside what needs no trained model."""

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genlab.errors import InputError
from genlab.metrics.measurement import Measurement, means_of
from genlab.trained.encoding import in_chunks as chunked
from genlab.trained.encoding import untrained
from genlab.trained.trained import Trained

CHOSEN_ON = "a fifth of each class of the fitted examples"


@dataclass(frozen=True)
class Representations:
    """Features of the same examples by name: `codes`, `raw`, `pca`, `untrained`.

    Attributes:
      train: name -> [N, F] float64.
      train_label: [N] int.
      test: name -> [M, F] float64.
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

    A value of the grid is chosen by the accuracy on a fifth of the fitted examples, by a classifier of
    the other four fifths; the tested examples take no part in it.

    Args:
      seen: the examples.
      classifier: value of the grid -> an unfitted scikit-learn classifier.
      grid: values to choose from, in order; of several that are equally good the middle one is taken.
      standardize: whether each feature is scaled to mean 0 and variance 1 over the fitted examples.

    Returns:
      `accuracy_NAME` in [0, 1] and `gain_over_NAME`, that of the codes less that of the others, on
      the same examples; with the classifier, the choice, the counts and the sizes as protocol.
    """
    right, chosen, unfinished = {}, {}, []
    for name in seen.train:
        train = seen.train[name], seen.train_label
        chosen[name] = choice(classifier, grid, *train, standardize=standardize)
        model = fitted(classifier(chosen[name]), *train, standardize)
        right[name] = model.predict(seen.test[name]) == seen.test_label
        if _unfinished(model[-1]):
            unfinished.append(name)
    scores = {f"accuracy_{name}": hits.astype(float) for name, hits in right.items()}
    for name in [name for name in right if name != "codes"]:
        gain = right["codes"].astype(float) - right[name]
        scores[f"gain_over_{name}"] = gain
    values, intervals = means_of(scores, differences=("gain_over_",))
    ends = (grid[0], grid[-1]) if len(grid) > 2 else ()
    protocol = {
        "classifier": repr(classifier(grid[0])),
        "chosen_from": list(grid),
        "chosen": chosen,
        "chosen_on": CHOSEN_ON,
        "chosen_at_an_end": [name for name, value in chosen.items() if value in ends],
        "standardized": standardize,
        "fitted_on": len(seen.train_label),
        "classes_fitted": len(np.unique(seen.train_label)),
        "tested_on": len(seen.test_label),
        "features": {name: part.shape[1] for name, part in seen.train.items()},
        "not_converged": unfinished,
    }
    return Measurement(values, protocol, intervals)


def choice(
    classifier: Callable[[Any], Any],
    grid: Sequence[Any],
    features: np.ndarray,
    label: np.ndarray,
    *,
    standardize: bool,
) -> Any:
    """The value of the grid that does best on a fifth of each class of `features: [N, F]`, by a
    classifier of the other four fifths; of several that are equally good, as all are where there is
    nothing to hold out, the middle one."""
    held = _a_fifth_of_each(label)
    if len(grid) == 1 or not held.any() or len(np.unique(label[~held])) < 2:
        return grid[len(grid) // 2]

    def accuracy(value: Any) -> float:
        model = fitted(classifier(value), features[~held], label[~held], standardize)
        return float(np.mean(model.predict(features[held]) == label[held]))

    found = [accuracy(value) for value in grid]
    best = [value for value, a in zip(grid, found, strict=True) if a == max(found)]
    return best[len(best) // 2]


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


def fitted(
    model: Any, features: np.ndarray, label: np.ndarray, standardize: bool
) -> Any:
    """A pipeline of scaling, where features are standardised, and the classifier, fitted to
    `features: [N, F]` and `label: [N]`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler(with_mean=standardize, with_std=standardize)
    with warnings.catch_warnings():
        # The protocol says which did not converge, so that it is not lost in a log.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(scaler, model).fit(features, label)


def _unfinished(model: Any) -> bool:
    limit = model.get_params().get("max_iter")
    return limit is not None and bool(np.max(model.n_iter_) >= limit)


def in_chunks(trained: Trained, method: str, *arrays: np.ndarray) -> np.ndarray:
    """A method of the model on arrays `[N, ...]`, a chunk at a time, so that memory is bounded.

    Raises:
      InputError: the experiment has no such method.
    """
    return chunked(functools.partial(trained.call, method), *arrays)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)
