"""How much each knob matters for a measured value, and how far that can be believed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlab.reporting.knobs import Knob

MIN_TRIALS = 8  # fewer say nothing about several knobs
FOLDS = 4
TREES = 100
SHUFFLES = 5


@dataclass(frozen=True)
class Importances:
    """What a forest that saw the knobs says about a value.

    Attributes:
      count: trials that it rests on.
      explained: R^2 of its predictions for trials that it had not seen; at most 1, and 0 for
        predictions no better than the mean.
      knobs: label -> mean and standard deviation, over folds and shuffles, of the fall of R^2 when
        the knob's values are exchanged between unseen trials; largest first.
    """

    count: int
    explained: float
    knobs: dict[str, tuple[float, float]]


def importances(knobs: Sequence[Knob], values: Sequence[float]) -> Importances | None:
    """Permutation importance of a random forest that predicts a value's rank from the knobs.

    The forest is fitted and judged on different trials, since the importance on trials that it
    was fitted on is positive for noise as well. Ranks keep one diverged trial from being all
    there is to explain. The same trials give the same numbers.

    Args:
      knobs: the differing knobs, `places` of every trial.
      values: one a trial, NaN where it has none.

    Returns:
      None for fewer than MIN_TRIALS finite values, no knob, or values that are all the same.

    Paper: Breiman 2001, Random forests
    """
    from scipy.stats import rankdata
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    known = np.isfinite(np.asarray(values, np.float64))
    if known.sum() < MIN_TRIALS or not knobs:
        return None
    ranks = rankdata(np.asarray(values, np.float64)[known])
    spread = ranks.var()
    if spread == 0:
        return None
    # A number that a trial does not set is NaN, which the trees send to a side of its own.
    places = np.array([knob.places for knob in knobs], np.float64).T[known]
    falls, errors = [], []
    for fitted, unseen in KFold(FOLDS, shuffle=True, random_state=0).split(places):
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0)
        forest.fit(places[fitted], ranks[fitted])
        errors.append(np.square(forest.predict(places[unseen]) - ranks[unseen]))
        fall = permutation_importance(
            forest,
            places[unseen],
            ranks[unseen],
            scoring="neg_mean_squared_error",
            n_repeats=SHUFFLES,
            random_state=0,
        )
        falls.append(fall.importances / spread)
    joined = np.concatenate(falls, axis=1)
    means = {
        knob.label: (float(fall.mean()), float(fall.std()))
        for knob, fall in zip(knobs, joined, strict=True)
    }
    return Importances(
        count=int(known.sum()),
        explained=float(1 - np.concatenate(errors).mean() / spread),
        knobs=dict(sorted(means.items(), key=lambda item: -item[1][0])),
    )
