"""How many examples are put into classes that no example was seen of, by what describes the classes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.game.experiment import Experiment
from genlab.metrics.anomaly import refuse_all_seen, unseen_in
from genlab.metrics.attributes import attributes_of
from genlab.metrics.feature_vae import generated
from genlab.metrics.measurement import Measurement, known
from genlab.numbers import Count, Positive
from genlab.registry import metrics
from genlab.statistics import about
from genlab.trained.encoding import encoded, untrained
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]

STRENGTH = 0.1  # C of the regression of real and drawn features


@metrics.register
@needs("classes", "encode")
def zero_shot(
    trained: Trained,
    split: str,
    *,
    attributes: str = "",
    num_train: Count = 10_000,
    num_test: Count = 10_000,
    gamma: Positive = 1.0,
    ridge: Positive = 1.0,
    per_class: Count = 200,
    steps: Count = 2000,
) -> Measurement:
    """Accuracy of seen and of unseen classes where all are to choose from, and their harmonic mean.

    Two ways go from codes to classes. `embedding` maps codes bilinearly to what describes the classes, in
    closed form. `generative` draws codes of the unseen classes from a conditional VAE of the codes of the seen
    ones and their attributes, and fits logistic regression to real and drawn ones. Each is asked of the
    codes, of those of the same encoder untrained, and of the examples as they are, all standardised.

    Args:
      trained: the model, whose data.without_labels kept classes from it.
      split: where the tested examples come from.
      attributes: a CSV file with a line for each class, see `attributes_of`; "" takes the words of captions.
      num_train: examples of seen classes, an even spread over the train split.
      num_test: examples tested, an even spread.
      gamma: ridge of the embedding on the examples.
      ridge: the same on the attributes.
      per_class: codes drawn of each unseen class.
      steps: of the VAE's Adam.

    Returns:
      `WAY_seen_FEATURES`, `WAY_unseen_FEATURES`, `WAY_harmonic_FEATURES` in [0, 1], means over classes
      of the classes' accuracies, and `WAY_among_unseen_FEATURES`, where only unseen ones are to choose
      from; FEATURES is `codes`, `untrained` or `raw`. By guessing they are `chance`, and
      `chance_among_unseen`, which of a single unseen class is 1. Intervals are over the examples.

    Raises:
      InputError: no attributes, a table that misses a class, or not both seen and unseen classes.

    Papers: Romera-Paredes & Torr 2015, ICML (embedding); Mishra et al. 2018, arXiv:1709.00663
      (generative); Xian et al. 2017, arXiv:1703.04394 (the protocol)
    """
    described = attributes_of(trained.data, attributes)
    train, test = (
        trained.examples("train", num_train),
        trained.examples(split, num_test),
    )
    unseen = unseen_in(trained, test["label"], split, "zero_shot")
    new = np.unique(test["label"][unseen])
    ways: dict[str, Fit] = {
        "embedding": lambda x, y, s: embedding(x, y, s, gamma=gamma, ridge=ridge),
        "generative": lambda x, y, s: _generative(
            x, y, s, new, per_class=per_class, steps=steps, seed=trained.seed
        ),
    }
    values = {"chance": 1 / len(described), "chance_among_unseen": 1 / len(new)}
    errors = {}
    for name, (fitted, tested) in _features(trained, train, test).items():
        for way, fit in ways.items():
            scores = fit(fitted, train["label"], described)(tested)
            for what, found in _accuracies(scores, test["label"], new).items():
                key = f"{way}_{what}_{name}"
                values[key], errors[key] = found
    count = len(test["label"])
    intervals = {n: about(values[n], e, count, share=True) for n, e in errors.items()}
    protocol = {
        "split": split,
        "unseen_classes": new.tolist(),
        "seen_classes": len(np.unique(train["label"])),
        "attributes": described.shape[1],
        "described_by": attributes or "captions",
        "fitted_on": len(train["label"]),
        "tested_on": len(test["label"]),
        "gamma": gamma,
        "ridge": ridge,
        "drawn_of_each_unseen_class": per_class,
        "steps": steps,
        "C": STRENGTH,
        "accuracy": "mean over classes",
    }
    return Measurement(values, protocol, known(intervals))


def embedding(
    features: np.ndarray,
    label: np.ndarray,
    attributes: np.ndarray,
    *,
    gamma: float,
    ridge: float,
) -> Callable[[np.ndarray], np.ndarray]:
    """The bilinear map x V s that is to be 1 for an example's class and -1 for others, by ridges.

    V = (X^T X / N + gamma I)^-1 X^T Y S / N (S^T S + lambda I)^-1, Y of the classes that occur.

    Args:
      features: [N, F], X.
      label: [N] int in [0, K).
      attributes: [K, A], of which those of the classes that occur are S.
      gamma: above 0.
      ridge: lambda, above 0.

    Returns:
      A function of features [M, F] to scores [M, K] of all classes.

    Paper: Romera-Paredes & Torr 2015, ICML
    """
    seen, place = np.unique(label, return_inverse=True)
    targets = np.where(np.eye(len(seen))[place] > 0, 1.0, -1.0)
    known, count = attributes[seen], len(features)
    left = features.T @ features / count + gamma * np.eye(features.shape[1])
    right = known.T @ known + ridge * np.eye(attributes.shape[1])
    middle = features.T @ targets @ known / count
    weights = np.linalg.solve(left, np.linalg.solve(right.T, middle.T).T)
    return lambda tested: tested @ weights @ attributes.T


def _generative(
    features: np.ndarray,
    label: np.ndarray,
    attributes: np.ndarray,
    new: np.ndarray,
    *,
    per_class: int,
    steps: int,
    seed: int,
) -> Callable[[np.ndarray], np.ndarray]:
    """Scores of all classes by logistic regression of real features, and of drawn ones of new classes."""
    from sklearn.linear_model import LogisticRegression

    asked = np.repeat(new, per_class)
    drawn = generated(
        features, attributes[label], attributes[asked], seed=seed, steps=steps
    )
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(
        np.concatenate([features, drawn]), np.concatenate([label, asked])
    )

    def scores(tested: np.ndarray) -> np.ndarray:
        found = np.full((len(tested), len(attributes)), -np.inf)
        decided = model.decision_function(tested)
        if decided.ndim == 1:  # of two classes it is the second's
            decided = np.stack([-decided, decided], axis=1)
        found[:, model.classes_] = decided
        return found

    return scores


def _features(
    trained: Trained, train: dict, test: dict
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Standardised features of the fitted and of the tested examples, by name."""
    both = train, test
    codes = [encoded(trained, batch, layers=False)["codes"] for batch in both]
    fresh = [part["codes"] for part in untrained(trained, *both, layers=False)]
    raw = [batch["x"].reshape(len(batch["x"]), -1) for batch in both]
    return {
        name: _standardized(*(part.astype(np.float64) for part in parts))
        for name, parts in {"codes": codes, "untrained": fresh, "raw": raw}.items()
    }


def _standardized(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


def _accuracies(
    scores: np.ndarray, label: np.ndarray, new: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Accuracies of seen and of unseen classes, and their standard errors over the examples."""
    right = scores.argmax(axis=1) == label
    among = new[scores[:, new].argmax(axis=1)] == label
    old = np.setdiff1d(np.unique(label), new)
    (seen, of_seen), (unseen, of_unseen) = (
        _over_classes(right, label, which) for which in (old, new)
    )
    both = seen + unseen
    # The slopes of 2 s u / (s + u) are twice the squared shares of the other one.
    slopes = np.array([unseen, seen]) ** 2 * 2 / both**2 if both else np.zeros(2)
    return {
        "seen": (seen, of_seen),
        "unseen": (unseen, of_unseen),
        "harmonic": (
            2 * seen * unseen / both if both else 0.0,
            float(np.hypot(*(slopes * [of_seen, of_unseen]))),
        ),
        # Of a single class each is right, as there is no other to choose.
        "among_unseen": _over_classes(among, label, new)
        if len(new) > 1
        else (1.0, 0.0),
    }


def _over_classes(
    right: np.ndarray, label: np.ndarray, which: np.ndarray
) -> tuple[float, float]:
    """Mean over classes of the share that is right, and its standard error, the classes being given.

    In the error of a class half an example more is right, and half a one wrong (Jeffreys' prior), so that it is not 0 where
    all are right.
    """
    parts = [right[label == one] for one in which]
    counts = np.array([len(part) for part in parts])
    shares = (np.array([part.sum() for part in parts]) + 0.5) / (counts + 1)
    error = np.sqrt(np.sum(shares * (1 - shares) / counts)) / len(parts)
    return float(np.mean([part.mean() for part in parts])), float(error)


def _check(
    experiment: Experiment, data: Dataset, *, attributes: str, **knobs: Any
) -> None:
    attributes_of(data, attributes)
    del experiment, knobs
    refuse_all_seen("zero_shot", data)


zero_shot.check = _check
