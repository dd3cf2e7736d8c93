"""The probes: what asks features of examples how much they tell of the class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genlab.data.selection import stratified_order
from genlab.metrics.measurement import means_of
from genlab.metrics.representation import choice, fitted
from genlab.probing import clusters
from genlab.probing.vote import CosineVote
from genlab.statistics import about, standard_error

STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
DECAYS = (1e-4, 1e-2, 1.0)
DRAWS = 5  # subsets of each count of labels
LABELS = (10, 100, 1000)
PROBES = ("linear", "knn_200", "knn_20", "mlp", "few_labels", "clusters", "layers")


@dataclass(frozen=True)
class Examples:
    """The same examples by several features.

    Attributes:
      train: name -> [N, F] float32.
      train_label: [N] int.
      test: name -> [M, F] float32.
      test_label: [M] int.
    """

    train: dict[str, np.ndarray]
    train_label: np.ndarray
    test: dict[str, np.ndarray]
    test_label: np.ndarray


@dataclass(frozen=True)
class Score:
    """What one probe finds of one kind of features.

    Attributes:
      value: in [0, 1].
      interval: of 95 %; None where it is not known.
      units: [N], whose mean the value is, the same examples or draws for all features; empty for none.
      chosen: the regularisation that was chosen on held-out training labels.
    """

    value: float
    interval: tuple[float, float] | None
    units: np.ndarray = field(default_factory=lambda: np.empty(0))
    chosen: Any = None


Fit = Callable[[Any], Any]


def classifiers(seed: int) -> dict[str, tuple[Fit, Sequence[Any], bool]]:
    """Name -> what makes a classifier of a value, the values to choose from, whether features are
    standardised."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    return {
        "linear": (lambda c: LogisticRegression(C=c, max_iter=500), STRENGTHS, True),
        "knn_200": (lambda k: CosineVote(k, 0.1), (200,), False),
        "knn_20": (lambda k: CosineVote(k), (20,), False),
        "mlp": (
            lambda decay: MLPClassifier(
                (256,), alpha=decay, max_iter=50, random_state=seed
            ),
            DECAYS,
            True,
        ),
    }


def told(probe: str) -> str:
    """The protocol of a probe in words."""
    return {
        "linear": f"logistic regression on standardised features, C of {STRENGTHS}",
        "knn_200": "200 nearest by cosine, weighted by exp(cosine / 0.1)",
        "knn_20": "20 nearest by cosine, one vote each",
        "mlp": f"256 rectified units on standardised features, weight decay of {DECAYS}",
        "few_labels": f"linear, on {DRAWS} draws by class of so many labels",
        "clusters": "k-means with as many clusters as classes, of the tested examples",
        "layers": "linear, on what each layer with a kernel hands on, maps as means over 4 x 4 cells",
    }[probe]


def classified(probe: str, seen: Examples, name: str, seed: int) -> dict[str, Score]:
    """Accuracy of a classifier of all training examples, on the tested ones."""
    # L-BFGS stops early in single precision; the others are quicker in it.
    dtype = np.float64 if probe == "linear" else np.float32
    train, test = (part[name].astype(dtype) for part in (seen.train, seen.test))
    fit = classifiers(seed)[probe]
    right, chosen = _right(fit, (train, seen.train_label), (test, seen.test_label))
    return {probe: _of_examples(right, chosen)}


def with_few_labels(
    counts: Sequence[int], seen: Examples, name: str, seed: int
) -> dict[str, Score]:
    """Accuracy of the linear probe of few labels: `labels_10`, ..., means over draws of them."""
    fit = classifiers(seed)["linear"]
    train, test = (_doubles(part[name]) for part in (seen.train, seen.test))
    orders = [stratified_order(seen.train_label, draw) for draw in range(DRAWS)]
    found = {}
    for count in counts:
        means = []
        for order in orders:
            rows = order[:count]
            part = train[rows], seen.train_label[rows]
            right, _ = _right(fit, part, (test, seen.test_label))
            means.append(right.mean())
        units = np.array(means)
        interval = about(float(units.mean()), standard_error(units), DRAWS)
        found[f"labels_{count}"] = Score(float(units.mean()), interval, units)
    return found


def clustered(seen: Examples, name: str, seed: int) -> dict[str, Score]:
    """Accuracy of k-means after matching, and normalised mutual information."""
    label = seen.test_label
    count = len(np.unique(label))
    groups = clusters.k_means(seen.test[name], count, seed)
    nmi, interval = clusters.shared_information(groups, label)
    return {
        "clusters": _of_examples(clusters.matched(groups, label), None),
        "nmi": Score(nmi, interval),
    }


def gain(one: Score, other: Score) -> tuple[float, float] | None:
    """95 % interval of what one kind of features gains over another, on the same examples or draws."""
    if not one.units.size or one.units.shape != other.units.shape:
        return None
    paired = one.units - other.units
    return about(float(paired.mean()), standard_error(paired), len(paired))


def _right(
    fit: tuple[Fit, Sequence[Any], bool],
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, Any]:
    """Whether each tested example is put in its class, [M] float, and what was chosen."""
    make, grid, standardize = fit
    chosen = choice(make, grid, *train, standardize=standardize)
    model = fitted(make(chosen), *train, standardize)
    right = model.predict(test[0]) == test[1]
    return right.astype(float), chosen


def _of_examples(right: np.ndarray, chosen: Any) -> Score:
    values, intervals = means_of({"accuracy": right.astype(float)})
    units = right.astype(float)
    return Score(values["accuracy"], intervals.get("accuracy"), units, chosen)


def _doubles(features: np.ndarray) -> np.ndarray:
    return features.astype(np.float64)
