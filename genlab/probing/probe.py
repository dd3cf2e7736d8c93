"""The probes: what asks features of examples how much they tell of the class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genlab.data.selection import stratified_order
from genlab.metrics.measurement import means_of
from genlab.metrics.representation import (
    SCALINGS,
    STRENGTHS,
    Representations,
    Tuned,
    in_ways,
    tuned,
)
from genlab.probing import clusters, fine_tune
from genlab.probing.vote import CosineVote
from genlab.statistics import about, standard_error
from genlab.trained.trained import Trained

DECAYS = (1e-4, 1e-2, 1.0)
DRAWS = 5  # subsets of each count of labels
LABELS = (10, 100, 1000)
PROBES = ("linear", "knn_200", "knn_20", "mlp", "few_labels", "clusters", "layers")
TUNED = "fine_tuned"  # asked for by name, since it trains the encoder again and again


@dataclass(frozen=True)
class Score:
    """What one probe finds of one kind of features.

    Attributes:
      value: in [0, 1].
      interval: of 95 %; None where it is not known.
      units: [M] or [draws, M], whose mean the value is, the same examples and draws for all features;
        empty for none.
      chosen: the regularisation that was chosen on held-out training labels.
      scaling: the way of scaling that was, of SCALINGS; for several draws each that was in one.
      notes: `chosen at an end` of the values, `not converged`; in one of several draws or more.
    """

    value: float
    interval: tuple[float, float] | None
    units: np.ndarray = field(default_factory=lambda: np.empty(0))
    chosen: Any = None
    scaling: str = ""
    notes: tuple[str, ...] = ()


# What makes a classifier of a value, the values to choose from, whether features are standardised.
Classifier = tuple[Callable[[Any], Any], Sequence[Any], bool]


def classifiers(seed: int) -> dict[str, Classifier]:
    """Those of codes by name."""
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
    ways = f"scaled by {SCALINGS['all']} or {SCALINGS['each']}"
    return {
        "linear": f"logistic regression, C of {STRENGTHS}, features {ways}",
        "knn_200": "200 nearest by cosine, weighted by exp(cosine / 0.1)",
        "knn_20": "20 nearest by cosine, one vote each",
        "mlp": f"256 rectified units, weight decay of {DECAYS}, features {ways}",
        "few_labels": f"linear, on {DRAWS} draws by class of so many labels, which overlap",
        "clusters": "k-means with as many clusters as classes, of the tested examples",
        TUNED: f"Adam on the encoder and a linear layer, {fine_tune.STEPS} steps of {fine_tune.BATCH}, rates of"
        f" {fine_tune.RATES}; of few labels as those are drawn",
        "layers": "linear, on what each layer with a kernel hands on, maps as means over 4 x 4 cells",
    }[probe]


def classified(
    probe: str,
    seen: Representations,
    name: str,
    seed: int,
    classifier: Classifier | None = None,
) -> dict[str, Score]:
    """Accuracy of a classifier, that of the probe's name without one, of all training examples, on the tested
    ones."""
    # L-BFGS stops early in single precision; the others are quicker in it.
    dtype = np.float64 if probe == "linear" else np.float32
    train, test = (part[name].astype(dtype) for part in (seen.train, seen.test))
    make, grid, standardize = classifier or classifiers(seed)[probe]
    ways = in_ways(train, test, standardize=standardize)
    found = tuned(make, grid, ways, seen.train_label)
    right = found.predicted == seen.test_label
    return {probe: _of_examples(right, found.value, found.scaling, _notes([found]))}


def with_few_labels(
    counts: Sequence[int],
    seen: Representations,
    name: str,
    seed: int,
    classifier: Classifier | None = None,
    called: str = "labels",
) -> dict[str, Score]:
    """Accuracy of a classifier, the linear probe without one, of few labels: `labels_10`, ..., means over draws of
    them."""
    make, grid, standardize = classifier or classifiers(seed)["linear"]
    parts = (part[name].astype(np.float64) for part in (seen.train, seen.test))
    ways = in_ways(*parts, standardize=standardize)
    orders = [stratified_order(seen.train_label, draw) for draw in range(DRAWS)]
    scores = {}
    for count in counts:
        found = [
            tuned(make, grid, ways, seen.train_label, order[:count]) for order in orders
        ]
        hits = np.stack([one.predicted == seen.test_label for one in found])
        units = hits.astype(float)
        interval = _about_mean(units, share=True)
        scaling = " ".join(sorted({one.scaling for one in found}))
        scores[f"{called}_{count}"] = Score(
            float(units.mean()), interval, units, None, scaling, _notes(found)
        )
    return scores


def tuned_anew(
    counts: Sequence[int],
    trained: Trained,
    start: Any,
    seen: Representations,
    seed: int,
) -> dict[str, Score]:
    """Accuracy of an encoder and a linear layer trained together, from `start`: of all labels, `fine_tuned`, and of
    few, `fine_tuned_10`, ..."""
    make = lambda rate: fine_tune.FineTuned(trained, start, rate, seed=seed)
    classifier = (make, fine_tune.RATES, False)
    whole = classified(TUNED, seen, "raw", seed, classifier)
    return whole | with_few_labels(counts, seen, "raw", seed, classifier, TUNED)


def clustered(seen: Representations, name: str, seed: int) -> dict[str, Score]:
    """Accuracy of k-means after matching, and normalised mutual information."""
    label = seen.test_label
    count = len(np.unique(label))
    groups = clusters.k_means(seen.test[name], count, seed)
    nmi, interval = clusters.shared_information(groups, label)
    return {
        "clusters": _of_examples(clusters.matched(groups, label)),
        "nmi": Score(nmi, interval),
    }


def gain(one: Score, other: Score) -> tuple[float, float] | None:
    """95 % interval of what one kind of features gains over another, on the same examples or draws."""
    if not one.units.size or one.units.shape != other.units.shape:
        return None
    return _about_mean(one.units - other.units, share=False)


def _about_mean(units: np.ndarray, *, share: bool) -> tuple[float, float] | None:
    """95 % interval of the mean of `units: [M]` over examples, or `[draws, M]` over both: the examples that
    are tested are others each time, and so are those that are fitted."""
    by_example, error = units, 0.0
    if units.ndim > 1:
        by_example, error = units.mean(axis=0), standard_error(units.mean(axis=1))
    error = float(np.hypot(error, standard_error(by_example)))
    return about(float(units.mean()), error, len(units), share=share)


def _notes(found: Sequence[Tuned]) -> tuple[str, ...]:
    """What to know of how values were chosen and fitted."""
    notes = {
        "chosen at an end": any(one.at_an_end for one in found),
        "not converged": not all(one.converged for one in found),
    }
    return tuple(note for note, holds in notes.items() if holds)


def _of_examples(
    right: np.ndarray,
    chosen: Any = None,
    scaling: str = "",
    notes: tuple[str, ...] = (),
) -> Score:
    units = right.astype(float)
    values, intervals = means_of({"accuracy": right})
    interval = intervals.get("accuracy")
    return Score(values["accuracy"], interval, units, chosen, scaling, notes)
