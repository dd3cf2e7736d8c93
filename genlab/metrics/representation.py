"""Codes of a model as features of a classifier, beside what needs no trained model."""

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from genlab import rng
from genlab.errors import InputError
from genlab.metrics.measurement import Measurement
from genlab.trained import Trained

CHUNK = 500  # examples that pass through a network at a time


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
      num_train: examples of the train split, the first; PCA is of them.
      num_test: examples of `split`, the first.

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
            f"the first {len(train['label'])} examples of the train split are of one class;"
            " take more with num_train"
        )
    known = np.isin(test["label"], train["label"])
    if not known.any():
        raise InputError(
            f"the first {len(known)} examples of {split!r} are of classes that the fitted examples do"
            " not have; take more with num_train or num_test"
        )
    test = {name: leaf[known] for name, leaf in test.items()}
    codes = [_flat(in_chunks(trained, "encode", part["x"])) for part in (train, test)]
    raw = [_flat(part["x"]) for part in (train, test)]
    pca = PCA(min(codes[0].shape[1], *raw[0].shape), random_state=0).fit(raw[0])
    untrained = _untrained_codes(trained, train, test)
    features = {
        "codes": codes,
        "raw": raw,
        "pca": [pca.transform(part) for part in raw],
        "untrained": untrained,
    }
    return Representations(
        {name: parts[0] for name, parts in features.items()},
        train["label"],
        {name: parts[1] for name, parts in features.items()},
        test["label"],
    )


def compare(
    seen: Representations, classifier: Callable[[], Any], *, standardize: bool
) -> Measurement:
    """Accuracy of one classifier on each of the representations, fitted anew for each.

    Args:
      seen: the examples.
      classifier: makes an unfitted scikit-learn classifier.
      standardize: whether each feature is scaled to mean 0 and variance 1 over the fitted examples.

    Returns:
      `accuracy_NAME` in [0, 1], with the classifier, the counts and the sizes as protocol.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.preprocessing import StandardScaler

    values, unfinished = {}, []
    for name, features in seen.train.items():
        scaler = StandardScaler(with_mean=standardize, with_std=standardize)
        model = classifier()
        with warnings.catch_warnings():
            # The protocol says which did not converge, so that it is not lost in a log.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(scaler.fit_transform(features), seen.train_label)
        tested = scaler.transform(seen.test[name])
        values[f"accuracy_{name}"] = float(model.score(tested, seen.test_label))
        limit = model.get_params().get("max_iter")
        if limit is not None and np.max(model.n_iter_) >= limit:
            unfinished.append(name)
    protocol = {
        "classifier": repr(model),
        "standardized": standardize,
        "fitted_on": len(seen.train_label),
        "classes_fitted": len(np.unique(seen.train_label)),
        "tested_on": len(seen.test_label),
        "features": {name: part.shape[1] for name, part in seen.train.items()},
        "not_converged": unfinished,
    }
    return Measurement(values, protocol)


def in_chunks(trained: Trained, method: str, x: np.ndarray) -> np.ndarray:
    """A method of the model on `x: [N, ...]`, a chunk at a time, so that memory is bounded.

    Raises:
      InputError: the experiment has no such method.
    """
    parts = [
        trained.call(method, x[start : start + CHUNK])
        for start in range(0, len(x), CHUNK)
    ]
    return np.concatenate(parts)


def _untrained_codes(trained: Trained, *batches: dict) -> list[np.ndarray]:
    """Codes `[N, Z]` of each batch by the same encoder, its parameters drawn anew."""
    experiment = trained.experiment
    few = {name: leaf[:2] for name, leaf in batches[0].items()}
    key = rng.stream(trained.seed, "untrained")
    drawn = _compiled(experiment.init, key, few)
    return [
        _flat(
            np.concatenate(
                [
                    _compiled(
                        experiment.encode, *drawn, batch["x"][start : start + CHUNK]
                    )
                    for start in range(0, len(batch["x"]), CHUNK)
                ]
            )
        )
        for batch in batches
    ]


@functools.partial(jax.jit, static_argnums=0)
def _compiled(method, *arguments):
    # A bound method is equal to itself looked up again, so that a program is compiled once.
    return method(*arguments)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)
