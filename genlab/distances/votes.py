"""Whether codes show which factor a group of examples shares: the scores of beta-VAE and FactorVAE.

Groups are drawn with replacement from examples that are there, which are encoded once.
"""

import numpy as np

from genlab.distances.information import Coded

GROUP = 64  # pairs, or examples, that are compared for a vote
LEAST_VARIANCE = 0.05  # of the largest, below which a code is taken as unused


def difference_score(
    fitted: Coded, held: Coded, *, votes: int, held_votes: int, seed: int = 0
) -> float:
    """beta-VAE score: accuracy of a linear classifier of which factor pairs of examples share.

    What it sees is mean |z_1 - z_2| over GROUP pairs, each alike in the factor and otherwise
    drawn. It is logistic regression on standardised differences.

    Args:
      fitted: examples of the votes that it is fitted on.
      held: examples of those that it is judged on.
      votes: how many of the first.
      held_votes: how many of the second.
      seed: of the draws.

    Returns:
      In [0, 1]; by chance 1 / (number of factors).

    Paper: Higgins et al. 2017, beta-VAE, ICLR, section 3
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    generator = np.random.default_rng(seed)
    seen = []
    for examples, count in ((fitted, votes), (held, held_votes)):
        factor, first, second = _pairs(examples, count, generator)
        gaps = np.abs(examples.codes[first] - examples.codes[second])
        seen.append((gaps.mean(axis=1), factor))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(model.fit(*seen[0]).score(*seen[1]))


def variance_score(
    fitted: Coded, held: Coded, *, votes: int, held_votes: int, seed: int = 0
) -> float:
    """FactorVAE score: accuracy of the vote of the code that varies least in a group.

    Of GROUP examples that share a factor, the code with the least variance, each relative to its
    variance over all, votes; what a code's votes mean is the factor that it was right about most
    often. Codes with less than LEAST_VARIANCE of the largest variance do not vote.

    Args:
      fitted: examples of the votes that say what a code means.
      held: examples of those that it is judged on.
      votes: how many of the first.
      held_votes: how many of the second.
      seed: of the draws.

    Returns:
      In [0, 1]; by chance 1 / (number of factors) or a little more.

    Paper: Kim & Mnih 2018, arXiv:1802.05983, section 4
    """
    generator = np.random.default_rng(seed)
    variance = fitted.codes.var(axis=0)
    used = variance >= LEAST_VARIANCE * variance.max(initial=0)
    scale = np.where(variance > 0, variance, 1)
    cast = []
    for examples, count in ((fitted, votes), (held, held_votes)):
        factor = generator.integers(examples.factors.shape[1], size=count)
        within = examples.codes[_alike(examples, factor, generator)].var(axis=1)
        cast.append((np.where(used, within / scale, np.inf).argmin(axis=1), factor))
    counts = np.zeros(fitted.codes.shape[1:] + fitted.factors.shape[1:], int)
    np.add.at(counts, cast[0], 1)
    code, factor = cast[1]
    return float(np.mean(counts.argmax(axis=1)[code] == factor))


def _pairs(
    examples: Coded, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The factor of each vote, [count], and rows of its pairs, [count, GROUP] each."""
    size, factors = examples.factors.shape
    factor = generator.integers(factors, size=count)
    first = generator.integers(size, size=(count, GROUP))
    second = np.empty_like(first)
    for place in range(factors):
        votes = factor == place
        values = examples.factors[first[votes], place]
        second[votes] = _of_value(examples.factors[:, place], values, generator)
    return factor, first, second


def _alike(
    examples: Coded, factor: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Rows of a group for each vote, alike in its factor: [count, GROUP]."""
    rows = np.empty((len(factor), GROUP), np.int64)
    for place in range(examples.factors.shape[1]):
        column, votes = examples.factors[:, place], factor == place
        values = column[generator.integers(len(column), size=votes.sum())]
        wanted = np.broadcast_to(values[:, None], (len(values), GROUP))
        rows[votes] = _of_value(column, wanted, generator)
    return rows


def _of_value(
    column: np.ndarray, wanted: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """A row, drawn, of an example with each of the values that are wanted of a factor."""
    order = np.argsort(column, kind="stable")
    counts = np.bincount(column)
    first = np.cumsum(counts) - counts
    place = (generator.random(wanted.shape) * counts[wanted]).astype(np.int64)
    return order[first[wanted] + place]
