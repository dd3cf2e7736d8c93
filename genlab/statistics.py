"""How sure a number is: intervals over seeds, over examples, and of paired differences.

Every interval that genlab prints is one of 95 %. Its coverage is simulated in the tests.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlab.errors import InputError

CONFIDENCE = 0.95
SIGMAS = 1.959963984540054  # of a Gaussian that hold CONFIDENCE
BOOTSTRAP_FROM = (
    20  # values, from which their own spread is better known than its shape
)


@dataclass(frozen=True)
class Summary:
    """What several numbers say together about the mean that they are drawn around.

    Attributes:
      count: how many.
      mean: their mean.
      standard_error: standard deviation (n - 1) over the root of the count; NaN for one.
      low, high: 95 % interval of the mean; infinitely wide for one, and for numbers that are all the same, whose
        spread is not known.
    """

    count: int
    mean: float
    standard_error: float
    low: float
    high: float

    def __str__(self) -> str:
        if not self.is_bounded:
            return f"{self.mean:.4g}"
        return f"{self.mean:.4g} ({self.low:.4g} to {self.high:.4g})"

    @property
    def is_bounded(self) -> bool:
        """Whether the interval is known."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def summarize(values: Sequence[float]) -> Summary:
    """Mean, standard error and 95 % interval of the mean.

    Below BOOTSTRAP_FROM values the interval is Student's t, which for three reaches 4.30 standard
    errors either way. From there on it is the percentile bootstrap, 9,999 resamples from a fixed
    seed, expanded by what it is too narrow for values from a Gaussian.

    Args:
      values: one number per seed, all finite.

    Raises:
      InputError: no values, or one that is not finite.

    Papers: Student 1908, Biometrika 6:1-25; Hesterberg 2015, The American Statistician 69:371-386
    """
    from scipy import stats

    array = np.asarray(values, np.float64)
    count = array.size
    if count == 0 or not np.isfinite(array).all():
        raise InputError(
            f"statistics need finite values, one or more, not {list(values)}"
        )
    mean = float(array.mean())
    if count < 2:
        return Summary(count, mean, math.nan, -math.inf, math.inf)
    if np.ptp(array) <= 1e-12 * np.abs(array).max():  # but for rounding of differences
        return Summary(count, mean, 0.0, -math.inf, math.inf)
    error = standard_error(array)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    low, high = mean - reach * error, mean + reach * error
    if count >= BOOTSTRAP_FROM:
        expanded = 2 * stats.norm.cdf(reach * math.sqrt(count / (count - 1))) - 1
        low, high = stats.bootstrap(
            (array,),
            np.mean,
            confidence_level=expanded,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
    return Summary(count, mean, error, float(low), float(high))


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of `values: [N]`, independent ones; NaN for one."""
    array = np.asarray(values, np.float64)
    if array.size < 2:
        return math.nan
    return float(array.std(ddof=1) / math.sqrt(array.size))


def over_examples(values: np.ndarray) -> tuple[float, float] | None:
    """95 % interval of the mean of `values: [N]`, as if the examples were drawn anew.

    Of bools, whose mean is a share, it is Wilson's, which is right near 0 and 1 too; of numbers it is
    Student's t. None where nothing is known: of fewer than two examples, values that are not finite, or
    numbers that are all the same.

    Paper: Wilson 1927, J. Am. Stat. Assoc. 22:209-212
    """
    from scipy import stats

    is_share = np.asarray(values).dtype == bool
    array = np.asarray(values, np.float64)
    if array.size < 2 or not np.isfinite(array).all():
        return None
    if is_share:
        test = stats.binomtest(int(array.sum()), array.size)
        interval = test.proportion_ci(CONFIDENCE, method="wilson")
        return float(interval.low), float(interval.high)
    return about(float(array.mean()), standard_error(array), array.size)


def trimmed_mean(
    values: np.ndarray, ends: tuple[float, float]
) -> tuple[float, float, int]:
    """Mean of those of `values: [N]` that lie between two quantiles, its standard error, and how many
    they are.

    The error is that of the values with all beyond the quantiles moved to them, over the share that is
    kept: the values that are left vary less than the mean of them does.

    Paper: Yuen 1974, Biometrika 61:165-170
    """
    array = np.asarray(values, np.float64)
    low, high = np.quantile(array, ends)
    kept = array[(low <= array) & (array <= high)]
    error = standard_error(np.clip(array, low, high)) / (ends[1] - ends[0])
    return float(kept.mean()), error, len(kept)


def about(
    value: float, error: float, count: int, *, share: bool = False
) -> tuple[float, float] | None:
    """95 % interval around a value by Student's t; None where the error is not known or nothing.

    Args:
      value: the middle.
      error: its standard error, or its deviation over resamples.
      count: numbers that the error was told from.
      share: whether the value lies in [0, 1], where the interval then ends too.
    """
    from scipy import stats

    if count < 2 or not (math.isfinite(error) and error > 0):
        return None
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    low, high = value - reach, value + reach
    return (max(low, 0.0), min(high, 1.0)) if share else (low, high)


@dataclass(frozen=True)
class Difference:
    """One recipe's values less another's, seed by seed.

    Attributes:
      summary: of the differences over the seeds that both have.
    """

    summary: Summary

    @property
    def resolved(self) -> bool:
        """Whether the interval leaves out 0; never with one seed, or differences that are all the same."""
        return self.summary.low > 0 or self.summary.high < 0

    def __str__(self) -> str:
        if self.summary.count < 2:
            return f"{self.summary.mean:+.3g}, one seed"
        if not self.summary.is_bounded:
            return f"{self.summary.mean:+.3g}, the same for {self.summary.count} seeds"
        text = f"{self.summary.mean:+.3g} ({self.summary.low:+.3g} to {self.summary.high:+.3g})"
        return text if self.resolved else f"{text}, not resolved"


def paired(one: dict[str, float], other: dict[str, float]) -> Difference | None:
    """`one` less `other`, each a value per seed, over the seeds that both have; None without any.

    What a seed does to both (the order of the batches, the subset) cancels, so that the interval is
    narrower than those of the two means.
    """
    common = [seed for seed in one if seed in other]
    if not common:
        return None
    return Difference(summarize([one[seed] - other[seed] for seed in common]))


def rank_test(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p-value of the Mann-Whitney test that neither recipe tends to larger values.

    Exact where there are no ties and at most 8 values on one side (SciPy's choice). Of three seeds a
    side it cannot be below 0.1.

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


@dataclass(frozen=True)
class Trend:
    """Whether values rise with a knob, seed by seed.

    Attributes:
      summary: of Spearman's rank correlation of each seed's values with the knob.
      p_value: of Page's test that they rise, or fall, with it; two-sided.
    """

    summary: Summary
    p_value: float

    def __str__(self) -> str:
        shown = self.summary
        if not shown.is_bounded:
            return f"{shown.mean:+.2f}, p {self.p_value:.2g}"
        # An interval of correlations ends where they do.
        low, high = max(shown.low, -1.0), min(shown.high, 1.0)
        return f"{shown.mean:+.2f} ({low:+.2f} to {high:+.2f}), p {self.p_value:.2g}"


def trend(rows: Sequence[Sequence[float]]) -> Trend:
    """Rank correlation of values with the order of a knob's values, and Page's test.

    Page's L is linear in the mean of the seeds' correlations: the test asks whether that could be of
    values in no order. Twice the lesser of the p-values of a rise and of a fall.

    Args:
      rows: [S, K] values of S >= 2 seeds at K >= 3 rising values of the knob, all finite.

    Raises:
      InputError: fewer than two seeds, or than three values of the knob.

    Papers: Spearman 1904, Am. J. Psychol. 15:72-101; Page 1963, J. Am. Stat. Assoc. 58:216-230
    """
    from scipy.stats import page_trend_test, rankdata

    values = np.atleast_2d(np.asarray(rows, np.float64))
    if values.shape[0] < 2 or values.shape[1] < 3:
        raise InputError(
            f"a trend is of two seeds or more over three values of a knob or more, not"
            f" {values.shape[0]} over {values.shape[1]}"
        )
    ranks = rankdata(values, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    order = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    norms = np.linalg.norm(ranks, axis=1) * np.linalg.norm(order)
    # Values that are all the same have no order: 0.
    found = np.divide(ranks @ order, norms, np.zeros_like(norms), where=norms > 0)
    tests = [page_trend_test(side).pvalue for side in (values, values[:, ::-1])]
    return Trend(summarize(found), float(min(1.0, 2 * min(tests))))
