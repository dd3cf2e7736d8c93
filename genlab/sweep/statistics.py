"""Statistics over seeds, for every table that compares runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError


@dataclass(frozen=True)
class Summary:
    """What several runs of one recipe say together.

    Attributes:
      count: number of runs.
      mean: their mean.
      standard_error: standard deviation (n - 1) over the root of the count; NaN for one run.
      low, high: bootstrap interval of the mean.
    """

    count: int
    mean: float
    standard_error: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.standard_error:.2g}"


def summarize(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = 10_000
) -> Summary:
    """Mean, standard error and percentile bootstrap interval of the mean.

    Args:
      values: one number per seed, all finite.
      confidence: of the interval, in (0, 1).
      resamples: of the bootstrap, drawn from a fixed seed.

    Raises:
      InputError: no values, or one that is not finite.

    Paper: Efron 1979, Bootstrap methods: another look at the jackknife
    """
    array = np.asarray(values, np.float64)
    if array.size == 0 or not np.isfinite(array).all():
        raise InputError(
            f"statistics need finite values, one or more, not {list(values)}"
        )
    generator = np.random.default_rng(0)
    drawn = generator.choice(array, (resamples, array.size)).mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    error = np.nan if array.size < 2 else array.std(ddof=1) / np.sqrt(array.size)
    return Summary(
        array.size, float(array.mean()), float(error), float(low), float(high)
    )


def rank_test(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p-value of the Mann-Whitney test that neither recipe tends to larger values.

    Exact where there are no ties and at most 8 values on one side (SciPy's choice).

    Raises:
      InputError: fewer than two values on a side.

    Paper: Mann & Whitney 1947, On a test of whether one of two random variables is
      stochastically larger than the other
    """
    from scipy.stats import mannwhitneyu

    if min(len(one), len(other)) < 2:
        raise InputError(
            f"a rank test compares two seeds or more a side, not {len(one)} and {len(other)}"
        )
    return float(mannwhitneyu(one, other, alternative="two-sided").pvalue)
