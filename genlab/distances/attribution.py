"""Which codes predict which factor of examples, by classifiers of scikit-learn."""

from typing import NamedTuple

import numpy as np

from genlab.distances.information import Coded, gap_of_best
from genlab.errors import InputError, suggest

ESTIMATORS = ("extra_trees", "boosting")


def attribute_gap(fitted: Coded, held: Coded) -> float:
    """SAP: how much better the best code predicts a factor than the second best, mean over factors.

    A code predicts by thresholds, one fewer than the factor has values, which a tree finds on
    `fitted`; it is judged by its balanced accuracy on `held`, the mean over the values.

    Paper: Kumar, Sattigeri & Balakrishnan 2018, arXiv:1711.00848, section 3
    """
    scores = np.empty((fitted.codes.shape[1], fitted.factors.shape[1]))
    chance = np.empty(scores.shape[1])
    for place in range(scores.shape[1]):
        chance[place] = 1 / len(np.unique(fitted.factors[:, place]))
        for index in range(len(scores)):
            scores[index, place] = _by_thresholds(fitted, held, index, place)
    return float(gap_of_best(scores, chance).mean())


class Attribution(NamedTuple):
    """DCI, each in [0, 1].

    Attributes:
      disentanglement: whether a code is important for one factor alone.
      completeness: whether one code alone is important for a factor.
      informativeness: accuracy of the factors' predictions on held-out examples.
    """

    disentanglement: float
    completeness: float
    informativeness: float


def attribution(
    fitted: Coded, held: Coded, *, estimator: str = "extra_trees", trees: int = 20
) -> Attribution:
    """Disentanglement, completeness and informativeness by trees that predict each factor.

    Args:
      fitted: what the trees are fitted on; the scale of a code does not matter.
      held: what their accuracy is of.
      estimator: `extra_trees`, randomised trees of five examples a leaf or more, or `boosting`, gradient
        boosted trees with `trees` of them for every value of every factor, which takes minutes.
      trees: how many.

    Raises:
      InputError: an unknown estimator.

    Paper: Eastwood & Williams 2018, ICLR, "A framework for the quantitative evaluation of
      disentangled representations"; boosting: Locatello et al. 2019, arXiv:1811.12359
    """
    importance = np.empty((fitted.codes.shape[1], fitted.factors.shape[1]))
    accuracies = []
    for place in range(importance.shape[1]):
        model = _trees(estimator, trees)
        model.fit(fitted.codes, fitted.factors[:, place])
        importance[:, place] = model.feature_importances_
        guesses = model.predict(held.codes)
        accuracies.append(np.mean(guesses == held.factors[:, place]))
    disentangled, complete = of_importance(importance)
    return Attribution(disentangled, complete, float(np.mean(accuracies)))


def of_importance(importance: np.ndarray) -> tuple[float, float]:
    """Disentanglement and completeness of how important codes are for factors, `[Z, F]`, 0 or more.

    A code's disentanglement is 1 - H(R_z / sum_f R_z) with H to the base F, and counts by the code's
    share of all importance; a factor's completeness is the same over codes, and each counts by its
    share.

    Paper: Eastwood & Williams 2018, ICLR, section 2
    """
    return _concentration(importance), _concentration(importance.T)


def _concentration(importance: np.ndarray) -> float:
    """How much of each row lies in one place, by the row's share of all."""
    of_rows = importance.sum(axis=1)
    known = of_rows > 0
    if not known.any() or importance.shape[1] < 2:
        return 0.0
    shares = importance[known] / of_rows[known, None]
    logs = np.log(shares, where=shares > 0, out=np.zeros_like(shares))
    spread = -(shares * logs).sum(axis=1) / np.log(importance.shape[1])
    return float((1 - spread) @ of_rows[known] / of_rows.sum())


def check_estimator(estimator: str) -> None:
    """Raises InputError for an unknown one."""
    if estimator not in ESTIMATORS:
        raise InputError(
            f"unknown estimator {estimator!r}{suggest(estimator, ESTIMATORS)}"
        )


def _trees(estimator: str, trees: int):
    from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

    check_estimator(estimator)
    if estimator == "boosting":
        return GradientBoostingClassifier(n_estimators=trees, random_state=0)
    # All codes at every split: of a few, a split would be given to a code that tells little.
    return ExtraTreesClassifier(
        trees, max_features=None, min_samples_leaf=5, random_state=0
    )


def _by_thresholds(fitted: Coded, held: Coded, index: int, place: int) -> float:
    from sklearn.tree import DecisionTreeClassifier

    values, target = np.unique(fitted.factors[:, place], return_inverse=True)
    if len(values) < 2:
        return 1.0
    tree = DecisionTreeClassifier(
        max_leaf_nodes=len(values), class_weight="balanced", random_state=0
    )
    tree.fit(fitted.codes[:, [index]], target)
    guesses = values[tree.predict(held.codes[:, [index]])]
    truth = held.factors[:, place]
    right = [np.mean(guesses[truth == value] == value) for value in np.unique(truth)]
    return float(np.mean(right))
